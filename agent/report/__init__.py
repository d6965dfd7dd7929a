"""What a month came to, for the person who drove: from rows of trips and one-line facts to a Report, and to a page. Pure.

| file | from | to |
|---|---|---|
| rows.py | a kept trip | Row, and the month and day it belongs to |
| driving.py | Rows of one driver | Driving: how it was driven, as ratios of sums |
| compare.py | the household's Rows | what one person may see of the others |
| without.py | Report as JSON, a consent taken back | the Report without what rested on it |
| use.py, fit.py | Rows of a year | how a car is used, and which others would do |
| facts.py | what was noted when it happened | Fact |
| build.py | Material | Report |
| document.py | Report | Document: its words, tables and charts in the reader's language and units |
| page.py, plain.py | Document | HTML; text for a terminal and a mail |
"""
