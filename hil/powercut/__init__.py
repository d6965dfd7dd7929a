"""Power cuts, by the thousand, on the real store.

    python -m hil.powercut                        2,000 points, a table of what was found; exits 1 if anything was
    python -m hil.powercut --sync normal "a day"  what FULL is good for

How it goes, in the order of the files:

- `scenarios.py`: a program works the real Store in a process of its own, as a rule through the real daemon over a
  simulated day (`day.py`). Each call on the store that returns has promised something; it is noted as a mark.
- `recording.py`: strace writes down what that process does to the database's files, marks included. What was recorded
  has to add up, byte for byte, to the files that are there in the end.
- `disk.py`: after any operation of a recording, the files as a power cut could leave them. Synced is safe; of what is
  not synced any part is there: writes lost, kept, or torn at 512 bytes, sizes and names apart from the bytes. The log's
  index (-shm), which strace cannot see, is there as it was at some mark before, or not at all.
- `opened.py`: the real Store opens such an image, and a daemon takes up its states; all of it is read.
- `history.py`: what the store held at each promise while no power was lost. After a cut it may hold the last promised
  state, or the one that the call under way was about to make, whole; nothing else. That is at once: no acknowledged
  row lost, no transaction in part.
- `cuts.py`: goes along a recording, draws points and fates by chance from a seed (the extremes among them: nothing
  kept, everything, all but the first, only the last), and from some points lives the day to its end: it has to come
  to the same events, trips, prompts and traces as without a cut.

What is found is `lost` (a promised row is missing or older), `corrupt` (it does not open, SQLite's integrity check or a
decoder objects), `set aside` (the store took the file for damaged and salvaged it), `duplicated` (an id or a number
twice, or what may be raised a second time), `in part`, or `goes on differently`.

Limits are smaller than a unit's, so that minutes reach what months do: a checkpoint every 40 pages, 10 pages of cache
(a larger transaction spills into the log before it ends), two traces kept.

To add an operation (an erasure, say): a function in `scenarios.py`, and its line in SCENARIOS. If it calls what
`Promiser` does not know, it ends with `store.mark(Promise(store.at, …))`; whatever happens between two marks has to be
one transaction.

What it cannot show: a disk that lies about its syncs, or that damages sectors it was not writing. The store's promise
ends there; a virtual machine that is switched off (hil/vm) tries a real kernel's part.
"""
