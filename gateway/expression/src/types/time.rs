//! `DateTime`, `DateTimeOffset`, `TimeSpan` (expressions.md §6.3).

mod provided;

pub(super) use provided::{PROVIDED, RARE};

use super::core::try_result;
use super::format::{date, date_value, offset, offset_value, to_string};
use super::number::compare_to;
use super::{Allow, Args, Literal, Member, TypeTable, c, m};
use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::time_span::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE, TICKS_PER_SECOND, TimeSpan,
};
use crate::run::{Fault, Vm};
use crate::value::{Kind, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.DateTimeKind { Unspecified, Utc, Local }",
        allow: Allow::Only(&["Utc"]),
        members: &[],
    },
    TypeTable {
        header: "enum System.DayOfWeek { Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "struct System.DateTime : System.IComparable, System.IFormattable",
        allow: Allow::Only(&[
            ".ctor",
            "Add",
            "AddDays",
            "AddHours",
            "AddMilliseconds",
            "AddMinutes",
            "AddMonths",
            "AddSeconds",
            "AddTicks",
            "AddYears",
            "Date",
            "Day",
            "DayOfWeek",
            "DayOfYear",
            "DaysInMonth",
            "Hour",
            "IsDaylightSavingTime",
            "IsLeapYear",
            "MaxValue",
            "Millisecond",
            "Minute",
            "MinValue",
            "Month",
            "Now",
            "Parse",
            "Second",
            "Subtract",
            "Ticks",
            "TimeOfDay",
            "Today",
            "ToString",
            "UtcNow",
            "Year",
        ]),
        members: DATE,
    },
    TypeTable {
        header: "struct System.DateTimeOffset : System.IComparable, System.IFormattable",
        allow: Allow::All,
        members: OFFSET,
    },
    TypeTable {
        header: "struct System.TimeSpan : System.IComparable, System.IFormattable",
        allow: Allow::All,
        members: SPAN,
    },
];

const DATE: &[Member] = &[
    m("new(long ticks)", |_, a| Ok(date_value(DateTime::from_ticks(a.i64(0)?, DateTimeKind::Unspecified)?))),
    m("new(long ticks, DateTimeKind kind)", |_, a| {
        Ok(date_value(DateTime::from_ticks(a.i64(0)?, kind(a, 1)?)?))
    }),
    m("new(int year, int month, int day)", |_, a| Ok(date_value(from_parts(a, 3)?))),
    m("new(int year, int month, int day, int hour, int minute, int second)", |_, a| {
        Ok(date_value(from_parts(a, 6)?))
    }),
    m("new(int year, int month, int day, int hour, int minute, int second, DateTimeKind kind)", |_, a| {
        Ok(date_value(from_parts(a, 6)?.with_kind(kind(a, 6)?)))
    }),
    m("new(int year, int month, int day, int hour, int minute, int second, int millisecond)", |_, a| {
        Ok(date_value(from_parts(a, 7)?))
    }),
    m(
        "new(int year, int month, int day, int hour, int minute, int second, int millisecond, DateTimeKind kind)",
        |_, a| Ok(date_value(from_parts(a, 7)?.with_kind(kind(a, 7)?))),
    ),
    m("static DateTime UtcNow { get; }", |vm, _| Ok(Value::DateTime(vm.host.now_ticks(), Kind::Utc))),
    m("static DateTime Now { get; }", |vm, _| Ok(Value::DateTime(vm.host.now_ticks(), Kind::Local))),
    m("static DateTime Today { get; }", |vm, _| Ok(date_value(now(vm)?.date()))),
    m("static DateTime MinValue { get; }", |_, _| Ok(date_value(DateTime::MIN))),
    m("static DateTime MaxValue { get; }", |_, _| Ok(date_value(DateTime::MAX))),
    m("static DateTime UnixEpoch { get; }", |_, _| {
        Ok(Value::DateTime(crate::clr::date_time::UNIX_EPOCH_TICKS, Kind::Utc))
    }),
    m("static DateTime Parse(string s)", |vm, a| {
        let today = now(vm)?.date();
        Ok(date_value(DateTime::parse(a.str(0)?.as_str(), today)?))
    }),
    m("static bool TryParse(string s, out DateTime result)", |vm, a| {
        let today = now(vm)?.date();
        let parsed = DateTime::parse(a.opt_str(0).map_or("", |t| t.as_str()), today).map(date_value);
        Ok(try_result(a, 1, parsed.map_err(Fault::from)))
    }),
    m("static int DaysInMonth(int year, int month)", |_, a| {
        Ok(Value::I32(DateTime::days_in_month(a.i32(0)?, a.i32(1)?)?))
    }),
    m("static bool IsLeapYear(int year)", |_, a| Ok(Value::Bool(DateTime::is_leap_year(a.i32(0)?)?))),
    m("static DateTime SpecifyKind(DateTime value, DateTimeKind kind)", |_, a| {
        Ok(date_value(this(a)?.with_kind(kind(a, 1)?)))
    }),
    m("static int Compare(DateTime t1, DateTime t2)", compare_to),
    m("int Year { get; }", |_, a| Ok(Value::I32(this(a)?.year()))),
    m("int Month { get; }", |_, a| Ok(Value::I32(this(a)?.month()))),
    m("int Day { get; }", |_, a| Ok(Value::I32(this(a)?.day()))),
    m("int Hour { get; }", |_, a| Ok(Value::I32(this(a)?.hour()))),
    m("int Minute { get; }", |_, a| Ok(Value::I32(this(a)?.minute()))),
    m("int Second { get; }", |_, a| Ok(Value::I32(this(a)?.second()))),
    m("int Millisecond { get; }", |_, a| Ok(Value::I32(this(a)?.millisecond()))),
    m("int DayOfYear { get; }", |_, a| Ok(Value::I32(this(a)?.day_of_year()))),
    m("DayOfWeek DayOfWeek { get; }", |_, a| {
        let def = super::library().named("System.DayOfWeek").def();
        let day = i64::from(this(a)?.day_of_week());
        Ok(def.map_or(Value::Null, |def| Value::Enum(def, day)))
    }),
    m("DateTimeKind Kind { get; }", |_, a| {
        let def = super::library().named("System.DateTimeKind").def();
        let kind = this(a)?.kind() as i64;
        Ok(def.map_or(Value::Null, |def| Value::Enum(def, kind)))
    }),
    m("long Ticks { get; }", |_, a| Ok(Value::I64(this(a)?.ticks()))),
    m("DateTime Date { get; }", |_, a| Ok(date_value(this(a)?.date()))),
    m("System.TimeSpan TimeOfDay { get; }", |_, a| Ok(Value::TimeSpan(this(a)?.time_of_day().0))),
    m("DateTime Add(System.TimeSpan value)", |_, a| Ok(date_value(this(a)?.plus(span(a, 1)?)?))),
    m("DateTime AddDays(double value)", |_, a| add(a, TICKS_PER_DAY)),
    m("DateTime AddHours(double value)", |_, a| add(a, TICKS_PER_HOUR)),
    m("DateTime AddMinutes(double value)", |_, a| add(a, TICKS_PER_MINUTE)),
    m("DateTime AddSeconds(double value)", |_, a| add(a, TICKS_PER_SECOND)),
    m("DateTime AddMilliseconds(double value)", |_, a| add(a, TICKS_PER_MILLISECOND)),
    m("DateTime AddTicks(long value)", |_, a| Ok(date_value(this(a)?.add_ticks(a.i64(1)?)?))),
    m("DateTime AddMonths(int months)", |_, a| Ok(date_value(this(a)?.add_months(a.i32(1)?)?))),
    m("DateTime AddYears(int value)", |_, a| Ok(date_value(this(a)?.add_years(a.i32(1)?)?))),
    m("System.TimeSpan Subtract(DateTime value)", |_, a| {
        Ok(Value::TimeSpan(this(a)?.since(date_at(a, 1)?).0))
    }),
    m("DateTime Subtract(System.TimeSpan value)", |_, a| Ok(date_value(this(a)?.minus(span(a, 1)?)?))),
    m("DateTime ToUniversalTime()", |_, a| Ok(date_value(this(a)?.with_kind(DateTimeKind::Utc)))),
    m("DateTime ToLocalTime()", |_, a| Ok(date_value(this(a)?.with_kind(DateTimeKind::Local)))),
    m("bool IsDaylightSavingTime()", |_, _| Ok(Value::Bool(false))),
    m("string ToString(string format)", to_string),
    m("string ToShortDateString()", |vm, a| vm.text(this(a)?.to_text("d")?)),
    m("string ToLongDateString()", |vm, a| vm.text(this(a)?.to_text("D")?)),
    m("string ToShortTimeString()", |vm, a| vm.text(this(a)?.to_text("t")?)),
    m("string ToLongTimeString()", |vm, a| vm.text(this(a)?.to_text("T")?)),
    m("int GetHashCode()", |_, a| Ok(Value::I32(this(a)?.hash_code()))),
    m("int CompareTo(DateTime value)", compare_to),
    m("bool Equals(DateTime value)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
    m("static DateTime operator +(DateTime d, System.TimeSpan t)", |_, a| {
        Ok(date_value(this(a)?.plus(span(a, 1)?)?))
    }),
    m("static DateTime operator -(DateTime d, System.TimeSpan t)", |_, a| {
        Ok(date_value(this(a)?.minus(span(a, 1)?)?))
    }),
    m("static System.TimeSpan operator -(DateTime d1, DateTime d2)", |_, a| {
        Ok(Value::TimeSpan(this(a)?.since(date_at(a, 1)?).0))
    }),
    m("static bool operator ==(DateTime d1, DateTime d2)", |_, a| order(a, std::cmp::Ordering::is_eq)),
    m("static bool operator !=(DateTime d1, DateTime d2)", |_, a| order(a, std::cmp::Ordering::is_ne)),
    m("static bool operator <(DateTime t1, DateTime t2)", |_, a| order(a, std::cmp::Ordering::is_lt)),
    m("static bool operator <=(DateTime t1, DateTime t2)", |_, a| order(a, std::cmp::Ordering::is_le)),
    m("static bool operator >(DateTime t1, DateTime t2)", |_, a| order(a, std::cmp::Ordering::is_gt)),
    m("static bool operator >=(DateTime t1, DateTime t2)", |_, a| order(a, std::cmp::Ordering::is_ge)),
];

const OFFSET: &[Member] = &[
    m("new(System.DateTime dateTime)", |_, a| {
        Ok(offset_value(DateTimeOffset::from_date_time(date_at(a, 0)?)))
    }),
    m("new(System.DateTime dateTime, System.TimeSpan offset)", |_, a| {
        Ok(offset_value(DateTimeOffset::new(date_at(a, 0)?, span(a, 1)?)?))
    }),
    m("new(long ticks, System.TimeSpan offset)", |_, a| {
        let clock = DateTime::from_ticks(a.i64(0)?, DateTimeKind::Unspecified)?;
        Ok(offset_value(DateTimeOffset::new(clock, span(a, 1)?)?))
    }),
    m(
        "new(int year, int month, int day, int hour, int minute, int second, System.TimeSpan offset)",
        |_, a| Ok(offset_value(DateTimeOffset::new(from_parts(a, 6)?, span(a, 6)?)?)),
    ),
    m(
        "new(int year, int month, int day, int hour, int minute, int second, int millisecond, System.TimeSpan offset)",
        |_, a| Ok(offset_value(DateTimeOffset::new(from_parts(a, 7)?, span(a, 7)?)?)),
    ),
    m("static DateTimeOffset UtcNow { get; }", |vm, _| Ok(Value::DateTimeOffset(vm.host.now_ticks(), 0))),
    m("static DateTimeOffset Now { get; }", |vm, _| Ok(Value::DateTimeOffset(vm.host.now_ticks(), 0))),
    m("static DateTimeOffset MinValue { get; }", |_, _| Ok(offset_value(DateTimeOffset::MIN))),
    m("static DateTimeOffset MaxValue { get; }", |_, _| Ok(offset_value(DateTimeOffset::MAX))),
    m("static DateTimeOffset UnixEpoch { get; }", |_, _| {
        Ok(Value::DateTimeOffset(crate::clr::date_time::UNIX_EPOCH_TICKS, 0))
    }),
    m("static DateTimeOffset FromUnixTimeSeconds(long seconds)", |_, a| {
        Ok(offset_value(DateTimeOffset::from_unix_seconds(a.i64(0)?)?))
    }),
    m("static DateTimeOffset FromUnixTimeMilliseconds(long milliseconds)", |_, a| {
        Ok(offset_value(DateTimeOffset::from_unix_milliseconds(a.i64(0)?)?))
    }),
    m("static DateTimeOffset Parse(string input)", |vm, a| {
        let today = now(vm)?.date();
        Ok(offset_value(DateTimeOffset::parse(a.str(0)?.as_str(), today)?))
    }),
    m("static bool TryParse(string input, out DateTimeOffset result)", |vm, a| {
        let today = now(vm)?.date();
        let parsed = DateTimeOffset::parse(a.opt_str(0).map_or("", |t| t.as_str()), today).map(offset_value);
        Ok(try_result(a, 1, parsed.map_err(Fault::from)))
    }),
    m("static int Compare(DateTimeOffset first, DateTimeOffset second)", compare_to),
    m("System.DateTime DateTime { get; }", |_, a| Ok(date_value(own(a)?.date_time()))),
    m("System.DateTime UtcDateTime { get; }", |_, a| Ok(date_value(own(a)?.utc_date_time()))),
    m("System.DateTime LocalDateTime { get; }", |_, a| Ok(date_value(own(a)?.local_date_time()))),
    m("System.TimeSpan Offset { get; }", |_, a| Ok(Value::TimeSpan(own(a)?.offset().0))),
    m("long Ticks { get; }", |_, a| Ok(Value::I64(own(a)?.ticks()))),
    m("long UtcTicks { get; }", |_, a| Ok(Value::I64(own(a)?.utc_ticks()))),
    m("int Year { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().year()))),
    m("int Month { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().month()))),
    m("int Day { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().day()))),
    m("int Hour { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().hour()))),
    m("int Minute { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().minute()))),
    m("int Second { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().second()))),
    m("int Millisecond { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().millisecond()))),
    m("int DayOfYear { get; }", |_, a| Ok(Value::I32(own(a)?.date_time().day_of_year()))),
    m("DayOfWeek DayOfWeek { get; }", |_, a| {
        let def = super::library().named("System.DayOfWeek").def();
        let day = i64::from(own(a)?.date_time().day_of_week());
        Ok(def.map_or(Value::Null, |def| Value::Enum(def, day)))
    }),
    m("System.DateTime Date { get; }", |_, a| Ok(date_value(own(a)?.date_time().date()))),
    m("System.TimeSpan TimeOfDay { get; }", |_, a| Ok(Value::TimeSpan(own(a)?.date_time().time_of_day().0))),
    m("DateTimeOffset Add(System.TimeSpan timeSpan)", |_, a| {
        let by = span(a, 1)?;
        mapped(a, |d| d.plus(by))
    }),
    m("DateTimeOffset AddDays(double days)", |_, a| add_to_offset(a, TICKS_PER_DAY)),
    m("DateTimeOffset AddHours(double hours)", |_, a| add_to_offset(a, TICKS_PER_HOUR)),
    m("DateTimeOffset AddMinutes(double minutes)", |_, a| add_to_offset(a, TICKS_PER_MINUTE)),
    m("DateTimeOffset AddSeconds(double seconds)", |_, a| add_to_offset(a, TICKS_PER_SECOND)),
    m("DateTimeOffset AddMilliseconds(double milliseconds)", |_, a| add_to_offset(a, TICKS_PER_MILLISECOND)),
    m("DateTimeOffset AddTicks(long ticks)", |_, a| {
        let by = a.i64(1)?;
        mapped(a, |d| d.add_ticks(by))
    }),
    m("DateTimeOffset AddMonths(int months)", |_, a| {
        let by = a.i32(1)?;
        mapped(a, |d| d.add_months(by))
    }),
    m("DateTimeOffset AddYears(int years)", |_, a| {
        let by = a.i32(1)?;
        mapped(a, |d| d.add_years(by))
    }),
    m("System.TimeSpan Subtract(DateTimeOffset value)", |_, a| {
        Ok(Value::TimeSpan(own(a)?.since(offset_at(a, 1)?).0))
    }),
    m("DateTimeOffset Subtract(System.TimeSpan value)", |_, a| {
        let by = span(a, 1)?;
        mapped(a, |d| d.minus(by))
    }),
    m("DateTimeOffset ToOffset(System.TimeSpan offset)", |_, a| {
        Ok(offset_value(own(a)?.to_offset(span(a, 1)?)?))
    }),
    m("DateTimeOffset ToUniversalTime()", |_, a| Ok(offset_value(own(a)?.to_universal()))),
    m("DateTimeOffset ToLocalTime()", |_, a| Ok(offset_value(own(a)?.to_universal()))),
    m("long ToUnixTimeSeconds()", |_, a| Ok(Value::I64(own(a)?.to_unix_seconds()))),
    m("long ToUnixTimeMilliseconds()", |_, a| Ok(Value::I64(own(a)?.to_unix_milliseconds()))),
    m("string ToString(string format)", to_string),
    m("int CompareTo(DateTimeOffset other)", compare_to),
    m("bool Equals(DateTimeOffset other)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
    m("bool EqualsExact(DateTimeOffset other)", |_, a| {
        Ok(Value::Bool(own(a)?.equals_exact(offset_at(a, 1)?)))
    }),
    m("static implicit operator DateTimeOffset(System.DateTime dateTime)", |_, a| {
        Ok(offset_value(DateTimeOffset::from_date_time(date_at(a, 0)?)))
    }),
    m("static DateTimeOffset operator +(DateTimeOffset d, System.TimeSpan t)", |_, a| {
        let by = span(a, 1)?;
        mapped(a, |d| d.plus(by))
    }),
    m("static DateTimeOffset operator -(DateTimeOffset d, System.TimeSpan t)", |_, a| {
        let by = span(a, 1)?;
        mapped(a, |d| d.minus(by))
    }),
    m("static System.TimeSpan operator -(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        Ok(Value::TimeSpan(own(a)?.since(offset_at(a, 1)?).0))
    }),
    m("static bool operator ==(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        order(a, std::cmp::Ordering::is_eq)
    }),
    m("static bool operator !=(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        order(a, std::cmp::Ordering::is_ne)
    }),
    m("static bool operator <(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        order(a, std::cmp::Ordering::is_lt)
    }),
    m("static bool operator <=(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        order(a, std::cmp::Ordering::is_le)
    }),
    m("static bool operator >(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        order(a, std::cmp::Ordering::is_gt)
    }),
    m("static bool operator >=(DateTimeOffset left, DateTimeOffset right)", |_, a| {
        order(a, std::cmp::Ordering::is_ge)
    }),
];

const SPAN: &[Member] = &[
    c("long TicksPerMillisecond", Literal::I64(TICKS_PER_MILLISECOND)),
    c("long TicksPerSecond", Literal::I64(TICKS_PER_SECOND)),
    c("long TicksPerMinute", Literal::I64(TICKS_PER_MINUTE)),
    c("long TicksPerHour", Literal::I64(TICKS_PER_HOUR)),
    c("long TicksPerDay", Literal::I64(TICKS_PER_DAY)),
    m("static TimeSpan Zero { get; }", |_, _| Ok(Value::TimeSpan(0))),
    m("static TimeSpan MinValue { get; }", |_, _| Ok(Value::TimeSpan(i64::MIN))),
    m("static TimeSpan MaxValue { get; }", |_, _| Ok(Value::TimeSpan(i64::MAX))),
    m("new(long ticks)", |_, a| Ok(Value::TimeSpan(a.i64(0)?))),
    m("new(int hours, int minutes, int seconds)", |_, a| {
        Ok(Value::TimeSpan(TimeSpan::new(0, a.i32(0)?, a.i32(1)?, a.i32(2)?, 0)?.0))
    }),
    m("new(int days, int hours, int minutes, int seconds)", |_, a| {
        Ok(Value::TimeSpan(TimeSpan::new(a.i32(0)?, a.i32(1)?, a.i32(2)?, a.i32(3)?, 0)?.0))
    }),
    m("new(int days, int hours, int minutes, int seconds, int milliseconds)", |_, a| {
        Ok(Value::TimeSpan(TimeSpan::new(a.i32(0)?, a.i32(1)?, a.i32(2)?, a.i32(3)?, a.i32(4)?)?.0))
    }),
    m("static TimeSpan FromDays(double value)", |_, a| from_units(a, TICKS_PER_DAY)),
    m("static TimeSpan FromHours(double value)", |_, a| from_units(a, TICKS_PER_HOUR)),
    m("static TimeSpan FromMinutes(double value)", |_, a| from_units(a, TICKS_PER_MINUTE)),
    m("static TimeSpan FromSeconds(double value)", |_, a| from_units(a, TICKS_PER_SECOND)),
    m("static TimeSpan FromMilliseconds(double value)", |_, a| from_units(a, TICKS_PER_MILLISECOND)),
    m("static TimeSpan FromTicks(long value)", |_, a| Ok(Value::TimeSpan(a.i64(0)?))),
    m("static TimeSpan Parse(string s)", |_, a| Ok(Value::TimeSpan(TimeSpan::parse(a.str(0)?.as_str())?.0))),
    m("static bool TryParse(string s, out TimeSpan result)", |_, a| {
        let parsed = TimeSpan::parse(a.opt_str(0).map_or("", |t| t.as_str())).map(|s| Value::TimeSpan(s.0));
        Ok(try_result(a, 1, parsed.map_err(Fault::from)))
    }),
    m("static int Compare(TimeSpan t1, TimeSpan t2)", compare_to),
    m("int Days { get; }", |_, a| Ok(Value::I32(span(a, 0)?.days()))),
    m("int Hours { get; }", |_, a| Ok(Value::I32(span(a, 0)?.hours()))),
    m("int Minutes { get; }", |_, a| Ok(Value::I32(span(a, 0)?.minutes()))),
    m("int Seconds { get; }", |_, a| Ok(Value::I32(span(a, 0)?.seconds()))),
    m("int Milliseconds { get; }", |_, a| Ok(Value::I32(span(a, 0)?.milliseconds()))),
    m("long Ticks { get; }", |_, a| Ok(Value::I64(span(a, 0)?.0))),
    m("double TotalDays { get; }", |_, a| Ok(Value::F64(span(a, 0)?.total(TICKS_PER_DAY)))),
    m("double TotalHours { get; }", |_, a| Ok(Value::F64(span(a, 0)?.total(TICKS_PER_HOUR)))),
    m("double TotalMinutes { get; }", |_, a| Ok(Value::F64(span(a, 0)?.total(TICKS_PER_MINUTE)))),
    m("double TotalSeconds { get; }", |_, a| Ok(Value::F64(span(a, 0)?.total(TICKS_PER_SECOND)))),
    m("double TotalMilliseconds { get; }", |_, a| Ok(Value::F64(span(a, 0)?.total_milliseconds()))),
    m("TimeSpan Add(TimeSpan ts)", |_, a| Ok(Value::TimeSpan(span(a, 0)?.plus(span(a, 1)?)?.0))),
    m("TimeSpan Subtract(TimeSpan ts)", |_, a| Ok(Value::TimeSpan(span(a, 0)?.minus(span(a, 1)?)?.0))),
    m("TimeSpan Negate()", |_, a| Ok(Value::TimeSpan(span(a, 0)?.negate()?.0))),
    m("TimeSpan Duration()", |_, a| Ok(Value::TimeSpan(span(a, 0)?.duration()?.0))),
    m("TimeSpan Multiply(double factor)", |_, a| Ok(Value::TimeSpan(span(a, 0)?.multiply(a.f64(1)?)?.0))),
    m("TimeSpan Divide(double divisor)", |_, a| Ok(Value::TimeSpan(span(a, 0)?.divide(a.f64(1)?)?.0))),
    m("double Divide(TimeSpan ts)", |_, a| Ok(Value::F64(span(a, 0)?.ratio(span(a, 1)?)))),
    m("string ToString(string format)", to_string),
    m("int CompareTo(TimeSpan value)", compare_to),
    m("bool Equals(TimeSpan obj)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
    m("static TimeSpan operator +(TimeSpan t1, TimeSpan t2)", |_, a| {
        Ok(Value::TimeSpan(span(a, 0)?.plus(span(a, 1)?)?.0))
    }),
    m("static TimeSpan operator -(TimeSpan t1, TimeSpan t2)", |_, a| {
        Ok(Value::TimeSpan(span(a, 0)?.minus(span(a, 1)?)?.0))
    }),
    m("static TimeSpan operator -(TimeSpan t)", |_, a| Ok(Value::TimeSpan(span(a, 0)?.negate()?.0))),
    m("static TimeSpan operator *(TimeSpan timeSpan, double factor)", |_, a| {
        Ok(Value::TimeSpan(span(a, 0)?.multiply(a.f64(1)?)?.0))
    }),
    m("static TimeSpan operator *(double factor, TimeSpan timeSpan)", |_, a| {
        Ok(Value::TimeSpan(span(a, 1)?.multiply(a.f64(0)?)?.0))
    }),
    m("static TimeSpan operator /(TimeSpan timeSpan, double divisor)", |_, a| {
        Ok(Value::TimeSpan(span(a, 0)?.divide(a.f64(1)?)?.0))
    }),
    m("static double operator /(TimeSpan t1, TimeSpan t2)", |_, a| {
        Ok(Value::F64(span(a, 0)?.ratio(span(a, 1)?)))
    }),
    m("static bool operator ==(TimeSpan t1, TimeSpan t2)", |_, a| order(a, std::cmp::Ordering::is_eq)),
    m("static bool operator !=(TimeSpan t1, TimeSpan t2)", |_, a| order(a, std::cmp::Ordering::is_ne)),
    m("static bool operator <(TimeSpan t1, TimeSpan t2)", |_, a| order(a, std::cmp::Ordering::is_lt)),
    m("static bool operator <=(TimeSpan t1, TimeSpan t2)", |_, a| order(a, std::cmp::Ordering::is_le)),
    m("static bool operator >(TimeSpan t1, TimeSpan t2)", |_, a| order(a, std::cmp::Ordering::is_gt)),
    m("static bool operator >=(TimeSpan t1, TimeSpan t2)", |_, a| order(a, std::cmp::Ordering::is_ge)),
];

pub(super) fn now(vm: &Vm<'_>) -> Result<DateTime, Fault> {
    Ok(date(vm.host.now_ticks(), Kind::Local)?)
}

fn date_at(a: &Args<'_>, index: usize) -> Result<DateTime, Fault> {
    match a.at(index) {
        Value::DateTime(ticks, kind) => Ok(date(*ticks, *kind)?),
        _ => Err(a.null(index)),
    }
}

fn this(a: &Args<'_>) -> Result<DateTime, Fault> {
    date_at(a, 0)
}

fn offset_at(a: &Args<'_>, index: usize) -> Result<DateTimeOffset, Fault> {
    match a.at(index) {
        Value::DateTimeOffset(ticks, minutes) => Ok(offset(*ticks, *minutes)?),
        _ => Err(a.null(index)),
    }
}

fn own(a: &Args<'_>) -> Result<DateTimeOffset, Fault> {
    offset_at(a, 0)
}

fn span(a: &Args<'_>, index: usize) -> Result<TimeSpan, Fault> {
    match a.at(index) {
        Value::TimeSpan(ticks) => Ok(TimeSpan(*ticks)),
        _ => Err(a.null(index)),
    }
}

fn kind(a: &Args<'_>, index: usize) -> Result<DateTimeKind, Fault> {
    match a.i64(index)? {
        0 => Ok(DateTimeKind::Unspecified),
        1 => Ok(DateTimeKind::Utc),
        2 => Ok(DateTimeKind::Local),
        _ => Err(Fault::argument("Invalid DateTimeKind value.", "kind")),
    }
}

/// A date of the first three, six or seven arguments.
fn from_parts(a: &Args<'_>, count: usize) -> Result<DateTime, Fault> {
    let day = DateTime::from_date(a.i32(0)?, a.i32(1)?, a.i32(2)?)?;
    if count < 6 {
        return Ok(day);
    }
    let millisecond = if count > 6 { a.i32(6)? } else { 0 };
    Ok(day.at(a.i32(3)?, a.i32(4)?, a.i32(5)?, millisecond)?)
}

fn add(a: &Args<'_>, unit: i64) -> Result<Value, Fault> {
    Ok(date_value(this(a)?.add_units(a.f64(1)?, unit)?))
}

fn mapped(
    a: &Args<'_>,
    change: impl FnOnce(DateTime) -> crate::clr::Result<DateTime>,
) -> Result<Value, Fault> {
    Ok(offset_value(own(a)?.map(change)?))
}

fn add_to_offset(a: &Args<'_>, unit: i64) -> Result<Value, Fault> {
    let value = a.f64(1)?;
    mapped(a, |d| d.add_units(value, unit))
}

fn from_units(a: &Args<'_>, unit: i64) -> Result<Value, Fault> {
    Ok(Value::TimeSpan(TimeSpan::from_units(a.f64(0)?, unit)?.0))
}

fn order(a: &Args<'_>, holds: fn(std::cmp::Ordering) -> bool) -> Result<Value, Fault> {
    Ok(Value::Bool(holds(super::array::compare_values(a.at(0), a.at(1))?)))
}
