//! Formats, parsing and arithmetic of dates against what .NET gave.

use proptest::prelude::*;

use super::*;
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::time_span::TICKS_PER_MILLISECOND;
use crate::clr::vectors::{outcome, rows};

fn kind(number: &str) -> DateTimeKind {
    match number {
        "1" => DateTimeKind::Utc,
        "2" => DateTimeKind::Local,
        _ => DateTimeKind::Unspecified,
    }
}

fn date(text: &str) -> DateTime {
    DateTime::parse(text, DateTime::MIN).expect("a date")
}

#[test]
fn formats_give_what_dotnet_gives() {
    let mut wrong = Vec::new();
    for row in rows(include_str!("format.tsv")) {
        let columns: Vec<&str> = row.iter().map(String::as_str).collect();
        let (actual, expected) = match columns.as_slice() {
            ["DateTime", ticks, number, format, expected] => {
                let date = DateTime::from_ticks(ticks.parse().unwrap(), kind(number)).unwrap();
                (outcome(date.to_text(format)), *expected)
            }
            ["DateTimeOffset", ticks, minutes, format, expected] => {
                let clock = DateTime::from_ticks(ticks.parse().unwrap(), DateTimeKind::Unspecified).unwrap();
                let minutes: i64 = minutes.parse().unwrap();
                let date = DateTimeOffset::new(clock, TimeSpan(minutes * TICKS_PER_MINUTE)).unwrap();
                (outcome(date.to_text(format)), *expected)
            }
            ["TimeSpan", ticks, format, expected] => {
                (outcome(TimeSpan(ticks.parse().unwrap()).to_text(format)), *expected)
            }
            other => panic!("{other:?}"),
        };
        if actual != expected {
            wrong.push(format!("{columns:?}: {actual:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_are_read_as_dotnet_reads_them() {
    let today = date("2001-02-03");
    let shown = |text: String| text.replace("2001-02-03", "TODAY").replace("2001-", "YEAR-");
    let mut wrong = Vec::new();
    for row in rows(include_str!("parse.tsv")) {
        let [class, text, expected] = row.as_slice() else { panic!("{row:?}") };
        // Both runs of a row with "1/1/1" give 2001, which is no stand-in there.
        let today = if text.starts_with("1/1/1") { date("1999-01-01") } else { today };
        let expected =
            if text.starts_with("1/1/1") { expected.replace("2001-", "YEAR-") } else { expected.clone() };
        let actual = match class.as_str() {
            "DateTime" => outcome(DateTime::parse(text, today).map(|date| {
                let kind = format!(" {:?}", date.kind());
                shown(date.to_text("o").expect("a format")) + &kind
            })),
            _ => outcome(
                DateTimeOffset::parse(text, today).map(|date| shown(date.to_text("o").expect("a format"))),
            ),
        };
        if actual != expected {
            wrong.push(format!("{class} {text:?}: {actual:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn arithmetic_gives_what_dotnet_gives() {
    let shown = |result: Result<DateTime>| outcome(result.and_then(|date| date.to_text("o")));
    let out = "!System.ArgumentOutOfRangeException: ";
    let table = [
        (
            shown(DateTime::MAX.add_units(1.0, TICKS_PER_DAY)),
            format!("{out}{UNREPRESENTABLE} (Parameter 'value')"),
        ),
        (
            shown(DateTime::MIN.add_units(1e10, TICKS_PER_DAY)),
            format!("{out}Value to add was out of range. (Parameter 'value')"),
        ),
        (shown(DateTime::MIN.add_units(f64::NAN, TICKS_PER_DAY)), "0001-01-01T00:00:00.0000000".to_owned()),
        (
            shown(DateTime::MIN.add_units(0.5, TICKS_PER_MILLISECOND)),
            "0001-01-01T00:00:00.0010000".to_owned(),
        ),
        (shown(DateTime::MIN.add_units(1.23456, TICKS_PER_SECOND)), "0001-01-01T00:00:01.2350000".to_owned()),
        (shown(DateTime::MIN.add_years(-1)), format!("{out}{UNREPRESENTABLE} (Parameter 'months')")),
        (
            shown(DateTime::MIN.add_years(20_000)),
            format!("{out}Years value must be between +/-10000. (Parameter 'years')"),
        ),
        (shown(DateTime::MAX.add_months(1)), format!("{out}{UNREPRESENTABLE} (Parameter 'months')")),
        (shown(date("2024-01-31").add_months(1)), "2024-02-29T00:00:00.0000000".to_owned()),
        (shown(date("2024-02-29").add_years(1)), "2025-02-28T00:00:00.0000000".to_owned()),
        (shown(date("2024-01-31").add_months(-11)), "2023-02-28T00:00:00.0000000".to_owned()),
        (
            shown(DateTime::from_date(2024, 2, 30)),
            format!("{out}Year, Month, and Day parameters describe an un-representable DateTime."),
        ),
        (
            shown(DateTime::MIN.at(24, 0, 0, 0)),
            format!("{out}Hour, Minute, and Second parameters describe an un-representable DateTime."),
        ),
        (shown(DateTime::MIN.minus(TimeSpan(1))), format!("{out}{UNREPRESENTABLE} (Parameter 't')")),
    ];
    for (actual, expected) in table {
        assert_eq!(actual, expected);
    }
    assert_eq!(DateTime::MIN.since(DateTime::MAX).to_string(), "-3652058.23:59:59.9999999");
    assert_eq!((date("2024-01-31").day_of_week(), date("2024-12-31").day_of_year()), (3, 366));
    assert_eq!(date("2024-01-01").hash_code(), -1_847_801_252);
}

#[test]
fn offsets_give_what_dotnet_gives() {
    let day = date("2024-01-01");
    let hours = |hours: i64| TimeSpan(hours * TICKS_PER_HOUR);
    let shown = |result: Result<DateTimeOffset>| outcome(result);
    let two = DateTimeOffset::new(day, hours(2)).unwrap();
    let table = [
        (
            shown(DateTimeOffset::new(day.with_kind(DateTimeKind::Utc), hours(1))),
            "!System.ArgumentException: The UTC Offset for Utc DateTime instances must be 0. (Parameter 'offset')",
        ),
        (
            shown(DateTimeOffset::new(day, hours(15))),
            "!System.ArgumentOutOfRangeException: Offset must be within plus or minus 14 hours. (Parameter 'offset')",
        ),
        (
            shown(DateTimeOffset::new(day, TimeSpan(1))),
            "!System.ArgumentException: Offset must be specified in whole minutes. (Parameter 'offset')",
        ),
        (
            shown(DateTimeOffset::from_unix_seconds(-62_135_596_801)),
            "!System.ArgumentOutOfRangeException: Valid values are between -62135596800 and 253402300799, inclusive. \
             (Parameter 'seconds')",
        ),
        (shown(DateTimeOffset::from_unix_seconds(1_706_696_430)), "01/31/2024 10:20:30 +00:00"),
        (shown(two.to_offset(hours(-3))), "12/31/2023 19:00:00 -03:00"),
        (shown(two.map(|clock| clock.add_months(1))), "02/01/2024 00:00:00 +02:00"),
    ];
    for (actual, expected) in table {
        assert_eq!(actual, expected);
    }
    assert_eq!(two.utc_date_time().to_text("o").unwrap(), "2023-12-31T22:00:00.0000000Z");
    assert_eq!(two.local_date_time().to_text("o").unwrap(), "2023-12-31T22:00:00.0000000+00:00");
    assert!(two == two.to_universal() && !two.equals_exact(two.to_universal()));
    let before = DateTimeOffset::parse("1969-12-31T23:59:59.9990001Z", day).unwrap();
    assert_eq!((before.to_unix_seconds(), before.to_unix_milliseconds()), (-1, -1));
}

proptest! {
    #[test]
    fn round_trip_formats_read_back(ticks in 0..=TICKS_MAX, number in 0_i32..3) {
        let date = DateTime::from_ticks(ticks, kind(&number.to_string())).unwrap();
        prop_assert_eq!(DateTime::parse(&date.to_text("o").unwrap(), DateTime::MIN), Ok(date));
        let whole = date.add_ticks(-(ticks % TICKS_PER_SECOND)).unwrap();
        for format in ["R", "u", "G", "F", "s"] {
            prop_assert_eq!(DateTime::parse(&date.to_text(format).unwrap(), DateTime::MIN), Ok(whole));
        }
    }

    #[test]
    fn any_text_and_format_is_answered(text in "[-0-9.:/, TZJanPM+]{0,30}|.{0,20}", format in ".{0,10}|[dMyhHmsftzKg'\\\\%:]{0,12}", ticks in 0..=TICKS_MAX) {
        let date = DateTime::from_ticks(ticks, DateTimeKind::Utc).unwrap();
        let _ = DateTime::parse(&text, date);
        let _ = DateTimeOffset::parse(&text, date);
        let _ = date.to_text(&format);
    }
}
