-- What is over is looked for each minute, in the thread that presses are written in: by the moment it
-- was closed at, not by reading all that is kept.
CREATE INDEX fact_by_closing ON fact (at) WHERE kind IN ('Closed', 'ClosedElsewhere');
