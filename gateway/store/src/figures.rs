//! What gateways report: figures, counters of quotas, requests and traces. Beside the documents: none of it has a revision,
//! and all of it goes with time.

use gateway_model::usage::Usage;

/// Days that figures are kept.
pub const USAGE_DAYS: i64 = 90;
/// Rows of figures that a service keeps at most; the oldest go first.
pub const USAGE_MAX: i64 = 1_000_000;
/// Rows of an answer at most; one more shows that there are more.
pub const USED_MAX: usize = 100_000;
/// Requests that a service keeps at most; the oldest go first.
pub const REQUESTS_MAX: i64 = 10_000;
/// Counters of quotas that a service keeps at most; those told of longest ago go first.
pub const COUNTERS_MAX: i64 = 200_000;
/// Traces that a service keeps at most, and for how long, in seconds.
pub const TRACES_MAX: i64 = 300;
pub const TRACE_SECONDS: i64 = 24 * 3600;
/// End of a window that never ends.
pub const NEVER: i64 = i64::MAX;

/// A report of an instance, taken as a whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub service: String,
    /// The gateway and its instance.
    pub source: String,
    /// Number of the report: one that is not higher than the last one changes nothing.
    pub sequence: u64,
    /// Now, seconds since 1970.
    pub at: i64,
    pub usage: Vec<Usage>,
    pub requests: Vec<StoredRequest>,
    pub counters: Vec<Counter>,
}

/// A request of the log, sealed by the plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// Milliseconds since 1970.
    pub at: i64,
    pub id: String,
    pub body: Vec<u8>,
}

/// A counter of a quota in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Digest of the key.
    pub id: String,
    /// Digest of what people call it, and the counters that go with it; empty for none.
    pub name: String,
    /// Window, seconds since 1970; [`NEVER`] for one without an end.
    pub start: i64,
    pub end: i64,
    pub calls: u64,
    pub bytes: u64,
    /// How often it was set by hand.
    pub sets: u64,
    /// Its key, sealed by the plane.
    pub body: Vec<u8>,
}

/// What counters are set to by hand; `None` leaves a value as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    pub calls: Option<u64>,
    pub bytes: Option<u64>,
}

/// A trace of a request, sealed by the plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub service: String,
    pub gateway: String,
    pub id: String,
    /// Seconds since 1970.
    pub at: i64,
    pub body: Vec<u8>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// Seconds since 1970.
    pub at: i64,
    pub service: String,
    /// Revision that the change made; 0 for what changed no document.
    pub revision: i64,
    pub principal: String,
    /// Operation id.
    pub operation: String,
    /// What was changed or read, by line.
    pub paths: String,
}

/// An entry of the audit log that goes with no document.
#[derive(Clone, Debug)]
pub struct Note {
    pub service: String,
    pub principal: String,
    /// Operation id.
    pub operation: String,
    /// What it was about.
    pub path: String,
    /// Seconds since 1970.
    pub at: i64,
}

/// Statements that both kinds of store take as they stand. SQLite numbers parameters by their first places.
pub mod sql {
    pub const TABLES: [&str; 10] = [
        "CREATE TABLE reporter (service TEXT NOT NULL, source TEXT NOT NULL, sequence BIGINT NOT NULL, seen BIGINT NOT NULL,
         PRIMARY KEY (service, source))",
        "CREATE TABLE usage (
         service TEXT NOT NULL, at BIGINT NOT NULL, api TEXT NOT NULL, operation TEXT NOT NULL, product TEXT NOT NULL,
         owner TEXT NOT NULL, subscription TEXT NOT NULL, region TEXT NOT NULL,
         success BIGINT NOT NULL, blocked BIGINT NOT NULL, failed BIGINT NOT NULL, other BIGINT NOT NULL,
         bytes BIGINT NOT NULL, hits BIGINT NOT NULL, misses BIGINT NOT NULL,
         time_count BIGINT NOT NULL, time_sum BIGINT NOT NULL, time_min BIGINT NOT NULL, time_max BIGINT NOT NULL,
         back_count BIGINT NOT NULL, back_sum BIGINT NOT NULL, back_min BIGINT NOT NULL, back_max BIGINT NOT NULL,
         PRIMARY KEY (service, at, api, operation, product, owner, subscription, region))",
        "CREATE TABLE request (service TEXT NOT NULL, at BIGINT NOT NULL, id TEXT NOT NULL, body BYTEA NOT NULL,
         PRIMARY KEY (service, at, id))",
        "CREATE TABLE counter (
         service TEXT NOT NULL, id TEXT NOT NULL, start BIGINT NOT NULL, name TEXT NOT NULL, finish BIGINT NOT NULL,
         calls BIGINT NOT NULL, bytes BIGINT NOT NULL, sets BIGINT NOT NULL, seen BIGINT NOT NULL, body BYTEA NOT NULL,
         PRIMARY KEY (service, id, start))",
        "CREATE INDEX counter_name ON counter (service, name)",
        "CREATE INDEX counter_seen ON counter (service, seen)",
        "CREATE TABLE trace (
         service TEXT NOT NULL, id TEXT NOT NULL, gateway TEXT NOT NULL, at BIGINT NOT NULL, body BYTEA NOT NULL,
         PRIMARY KEY (service, id))",
        "CREATE INDEX trace_at ON trace (service, at)",
        "CREATE INDEX reporter_seen ON reporter (seen)",
        "CREATE INDEX counter_finish ON counter (finish)",
    ];

    /// Tables with rows of a service.
    pub const OF_SERVICE: [&str; 5] = ["reporter", "usage", "request", "counter", "trace"];

    /// Changes no row when the number is not higher than the last one.
    pub const REPORTER: &str =
        "INSERT INTO reporter (service, source, sequence, seen) VALUES ($1, $2, $3, $4)
        ON CONFLICT (service, source) DO UPDATE SET sequence = excluded.sequence, seen = excluded.seen
        WHERE excluded.sequence > reporter.sequence";

    pub const USAGE: &str = "INSERT INTO usage VALUES
        ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
        ON CONFLICT (service, at, api, operation, product, owner, subscription, region) DO UPDATE SET
        success = usage.success + excluded.success, blocked = usage.blocked + excluded.blocked,
        failed = usage.failed + excluded.failed, other = usage.other + excluded.other,
        bytes = usage.bytes + excluded.bytes, hits = usage.hits + excluded.hits, misses = usage.misses + excluded.misses,
        time_count = usage.time_count + excluded.time_count, time_sum = usage.time_sum + excluded.time_sum,
        time_min = CASE WHEN usage.time_count = 0 OR (excluded.time_count > 0 AND excluded.time_min < usage.time_min)
                   THEN excluded.time_min ELSE usage.time_min END,
        time_max = CASE WHEN excluded.time_max > usage.time_max THEN excluded.time_max ELSE usage.time_max END,
        back_count = usage.back_count + excluded.back_count, back_sum = usage.back_sum + excluded.back_sum,
        back_min = CASE WHEN usage.back_count = 0 OR (excluded.back_count > 0 AND excluded.back_min < usage.back_min)
                   THEN excluded.back_min ELSE usage.back_min END,
        back_max = CASE WHEN excluded.back_max > usage.back_max THEN excluded.back_max ELSE usage.back_max END";

    pub const REQUEST: &str =
        "INSERT INTO request (service, at, id, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

    pub const COUNTER: &str =
        "INSERT INTO counter (service, id, start, name, finish, calls, bytes, sets, seen, body)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)
        ON CONFLICT (service, id, start) DO UPDATE SET
        calls = counter.calls + excluded.calls, bytes = counter.bytes + excluded.bytes, finish = excluded.finish,
        seen = excluded.seen";

    pub const SUM: &str =
        "SELECT calls, bytes, sets FROM counter WHERE service = $1 AND id = $2 AND start = $3";

    /// Sums of a place over all quarters that touch a time, by steps of `$1` seconds from 1970 on.
    pub const USED: &str = "SELECT at - at % $1, api, operation, product, owner, subscription, region,
        CAST(SUM(success) AS BIGINT), CAST(SUM(blocked) AS BIGINT), CAST(SUM(failed) AS BIGINT),
        CAST(SUM(other) AS BIGINT), CAST(SUM(bytes) AS BIGINT), CAST(SUM(hits) AS BIGINT),
        CAST(SUM(misses) AS BIGINT),
        CAST(SUM(time_count) AS BIGINT), CAST(SUM(time_sum) AS BIGINT),
        MIN(CASE WHEN time_count > 0 THEN time_min END), MAX(time_max),
        CAST(SUM(back_count) AS BIGINT), CAST(SUM(back_sum) AS BIGINT),
        MIN(CASE WHEN back_count > 0 THEN back_min END), MAX(back_max)
        FROM usage WHERE service = $2 AND at >= $3 AND at < $4
        GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7 LIMIT 100001";

    pub const REQUESTS: &str = "SELECT at, id, body FROM request WHERE service = $1 AND at >= $2 AND at < $3
        ORDER BY at, id";

    pub const COUNTERS: &str = "SELECT id, name, start, finish, calls, bytes, sets, body FROM counter
        WHERE service = $1 AND name = $2 ORDER BY start, id";

    pub const SET: &str =
        "UPDATE counter SET calls = COALESCE($1, calls), bytes = COALESCE($2, bytes), sets = sets + 1
        WHERE service = $3 AND id = $4 AND start = $5";

    pub const TRACE: &str = "INSERT INTO trace (service, id, gateway, at, body) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (service, id) DO NOTHING";

    pub const TRACED: &str = "SELECT gateway, at, body FROM trace WHERE service = $1 AND id = $2";

    pub const NOTE: &str = "INSERT INTO audit (at, service, revision, principal, operation, paths)
        VALUES ($1, $2, 0, $3, $4, $5)";

    pub const AUDITED: &str = "SELECT at, service, revision, principal, operation, paths FROM audit
        ORDER BY at DESC, revision DESC LIMIT $1";

    /// What has grown old: table and condition on a time.
    pub const OLD: [&str; 5] = [
        "DELETE FROM usage WHERE service = $1 AND at < $2",
        "DELETE FROM request WHERE service = $1 AND at < CAST($2 AS BIGINT) * 1000",
        "DELETE FROM reporter WHERE service = $1 AND seen < $2",
        "DELETE FROM counter WHERE service = $1 AND seen < $2",
        "DELETE FROM trace WHERE service = $1 AND at < $2",
    ];

    /// Counters of windows that are over.
    pub const OVER: &str = "DELETE FROM counter WHERE service = $1 AND finish < $2";

    /// What is more than is kept: of each table the column of its age.
    pub fn beyond(table: &str, age: &str) -> String {
        format!(
            "DELETE FROM {table} WHERE service = $1 AND {age} <
             (SELECT {age} FROM {table} WHERE service = $1 ORDER BY {age} DESC LIMIT 1 OFFSET $2)"
        )
    }
}

/// What is kept how long (seconds), in the order of [`sql::OLD`].
pub const KEPT: [i64; 5] =
    [USAGE_DAYS * 86_400, USAGE_DAYS * 86_400, 30 * 86_400, USAGE_DAYS * 86_400, TRACE_SECONDS];

/// A counter stays so long behind the end of its window, in seconds.
pub const OVER_KEPT: i64 = 86_400;

/// Tables, the columns of their rows' age, and how many rows a service keeps.
pub const BOUNDS: [(&str, &str, i64); 4] = [
    ("usage", "at", USAGE_MAX),
    ("request", "at", REQUESTS_MAX),
    ("counter", "seen", COUNTERS_MAX),
    ("trace", "at", TRACES_MAX),
];

impl Report {
    /// In one order, so that nodes which write the same rows at once do not wait for each other in a circle.
    pub(crate) fn sorted(mut self) -> Self {
        self.usage.sort_by(|a, b| (a.at, &a.place).cmp(&(b.at, &b.place)));
        self
    }

    /// Places of the counters in the order of their keys.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.counters.len()).collect();
        let key = |at: &usize| self.counters.get(*at).map(|counter| (counter.id.clone(), counter.start));
        order.sort_by_cached_key(key);
        order
    }
}

/// The numbers of a row, in the order of the table.
pub(crate) fn numbers(usage: &Usage) -> [i64; 15] {
    let figures = &usage.figures;
    let (time, back) = (&figures.time, &figures.backend);
    [
        figures.success,
        figures.blocked,
        figures.failed,
        figures.other,
        figures.bytes,
        figures.cache_hits,
        figures.cache_misses,
        time.count,
        time.sum,
        time.min,
        time.max,
        back.count,
        back.sum,
        back.min,
        back.max,
    ]
    .map(signed)
}

/// The same back.
pub(crate) fn usage(at: i64, parts: [String; 6], numbers: [i64; 15]) -> Usage {
    let mut usage = Usage { at, ..Usage::default() };
    for (own, part) in usage.place.parts_mut().into_iter().zip(parts) {
        *own = part;
    }
    let figures = &mut usage.figures;
    let (time, back) = (&mut figures.time, &mut figures.backend);
    for (own, number) in [
        &mut figures.success,
        &mut figures.blocked,
        &mut figures.failed,
        &mut figures.other,
        &mut figures.bytes,
        &mut figures.cache_hits,
        &mut figures.cache_misses,
        &mut time.count,
        &mut time.sum,
        &mut time.min,
        &mut time.max,
        &mut back.count,
        &mut back.sum,
        &mut back.min,
        &mut back.max,
    ]
    .into_iter()
    .zip(numbers)
    {
        *own = unsigned(number);
    }
    usage
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
