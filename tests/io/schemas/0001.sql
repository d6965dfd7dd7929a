PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE "anchors" (
   "boot_id" TEXT PRIMARY KEY,
   "t_ns" INTEGER,
   "utc_ns" INTEGER,
   "quality" TEXT
);
INSERT INTO "anchors" VALUES('boot-0',7,1793000000000000000,'synchronised');
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, version INTEGER NOT NULL, importance INTEGER NOT NULL, t_ns INTEGER NOT NULL, boot_id TEXT NOT NULL, utc_ns INTEGER, clock TEXT NOT NULL, body BLOB NOT NULL, envelope BLOB, acked INTEGER NOT NULL DEFAULT 0);
INSERT INTO "events" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','TripEnded',1,2,7,'boot-0',1793000000000000000,'synchronised',X'7B226B6D223A317D',X'7B226F6C64223A226279746573227D',1);
INSERT INTO "events" VALUES(2,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','HealthReported',1,6,8,'boot-0',NULL,'none',X'7B22636F756E7473223A7B2278223A317D7D',X'7B2266726F7A656E223A226279746573227D',0);
INSERT INTO "events" VALUES(3,'cccccccccccccccccccccccccccccccc','TripStarted',1,3,9,'boot-0',NULL,'none',X'7B22747269705F6964223A227432227D',NULL,0);
CREATE TABLE "meta" (
   "key" TEXT PRIMARY KEY,
   "value" TEXT
);
INSERT INTO "meta" VALUES('epoch','0123456789abcdef');
CREATE TABLE once (id TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "once" VALUES('dddddddddddddddddddddddddddddddd','MilestoneReached');
CREATE TABLE "prompts" (
   "id" TEXT PRIMARY KEY,
   "topic" TEXT,
   "text" TEXT,
   "held_by" TEXT,
   "raised_ns" INTEGER,
   "raised_utc_ns" INTEGER,
   "held_utc_ns" INTEGER,
   "released_ns" INTEGER,
   "released_utc_ns" INTEGER,
   "event_id" TEXT,
   "published" INTEGER DEFAULT 0,
   "published_utc_ns" INTEGER
);
INSERT INTO "prompts" VALUES('p','oil','due','no clock',7,NULL,NULL,NULL,NULL,NULL,0,NULL);
CREATE TABLE "states" (
   "name" TEXT PRIMARY KEY,
   "version" INTEGER,
   "body" BLOB
);
INSERT INTO "states" VALUES('engine',1,X'7B22626F6F745F6964223A22626F6F742D30222C22745F6E73223A357D');
INSERT INTO "states" VALUES('trip',1,X'7B227068617365223A227061726B6564227D');
CREATE TABLE "trace" (
   "trip_id" TEXT,
   "start_ns" INTEGER,
   "points" INTEGER,
   "body" BLOB,
   PRIMARY KEY ("trip_id", "start_ns")
);
INSERT INTO "trace" VALUES('t1',1000000000,2,X'789CAB562A89CF2B56B28A363480011D2338335647A9B8203535253E3B3703A446CF54C748CF14289A9A979E99971A5F54900B14CE2BCDC9D1B104AAAE05003A81163F');
CREATE TABLE "trips" (
   "n" INTEGER PRIMARY KEY,
   "id" TEXT NOT NULL,
   "kind" TEXT NOT NULL,
   "ended_by" TEXT,
   "boot_id" TEXT,
   "start_ns" INTEGER,
   "end_ns" INTEGER,
   "start_utc_ns" INTEGER,
   "end_utc_ns" INTEGER,
   "clock" TEXT,
   "driver" TEXT NOT NULL,
   "metrics" TEXT NOT NULL,
   "estimated" TEXT
);
INSERT INTO "trips" VALUES(1,'t1','trip','ignition','boot-0',1,7,NULL,NULL,NULL,'ana','{"distance_m":1000}','[]');
CREATE INDEX outbox ON events (importance, seq) WHERE acked = 0;
CREATE UNIQUE INDEX "idx_trips_id"
    ON "trips" ("id");
CREATE INDEX "idx_trips_start_utc_ns"
    ON "trips" ("start_utc_ns");
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',3);
COMMIT;
