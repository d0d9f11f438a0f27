//! `TimeZoneInfo` (expressions.md §6.3).

mod rules;

pub(super) use rules::RULES;

use std::any::Any;

use super::format::{date, date_value, offset, offset_value};
use super::time::now;
use super::{Allow, Args, Type, TypeTable, library, m};
use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::date_time_offset::DateTimeOffset;
use crate::clr::time_span::TimeSpan;
use crate::clr::time_zone::{Zone, wrong_kind};
use crate::host::Host;
use crate::run::Fault;
use crate::text::Text;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "class System.TimeZoneInfo",
    allow: Allow::All,
    members: &[
        m("static TimeZoneInfo Utc { get; }", |_, _| Ok(Value::object(Info(Zone::utc())))),
        m("static TimeZoneInfo Local { get; }", |_, _| Ok(Value::object(Info(Zone::utc())))),
        m("static TimeZoneInfo FindSystemTimeZoneById(string id)", |_, a| {
            Ok(Value::object(Info(Zone::find(a.str(0)?.as_str())?)))
        }),
        m("string Id { get; }", |vm, a| vm.text(zone(a, 0)?.id())),
        m("string DisplayName { get; }", |vm, a| vm.text(display_name(zone(a, 0)?))),
        m("string StandardName { get; }", |vm, a| {
            let own = zone(a, 0)?;
            vm.text(own.custom().map_or_else(|| plain_name(own), |custom| &custom.standard))
        }),
        m("string DaylightName { get; }", |vm, a| {
            let own = zone(a, 0)?;
            vm.text(own.custom().map_or_else(|| plain_name(own), |custom| &custom.daylight))
        }),
        m("TimeSpan BaseUtcOffset { get; }", |vm, a| {
            Ok(Value::TimeSpan(zone(a, 0)?.base_offset(now(vm)?).0))
        }),
        m("bool SupportsDaylightSavingTime { get; }", |vm, a| {
            Ok(Value::Bool(zone(a, 0)?.has_daylight_saving(now(vm)?)))
        }),
        m("TimeSpan GetUtcOffset(DateTime dateTime)", |_, a| {
            Ok(Value::TimeSpan(zone(a, 0)?.offset(date_at(a, 1)?).0))
        }),
        m("TimeSpan GetUtcOffset(DateTimeOffset dateTimeOffset)", |_, a| {
            Ok(Value::TimeSpan(zone(a, 0)?.offset(utc_of(offset_at(a, 1)?)?).0))
        }),
        m("bool IsDaylightSavingTime(DateTime dateTime)", |_, a| {
            Ok(Value::Bool(zone(a, 0)?.is_daylight_saving(date_at(a, 1)?)))
        }),
        m("bool IsDaylightSavingTime(DateTimeOffset dateTimeOffset)", |_, a| {
            Ok(Value::Bool(zone(a, 0)?.is_daylight_saving(utc_of(offset_at(a, 1)?)?)))
        }),
        m("bool IsAmbiguousTime(DateTime dateTime)", |_, a| {
            Ok(Value::Bool(zone(a, 0)?.is_ambiguous(date_at(a, 1)?)))
        }),
        m("bool IsAmbiguousTime(DateTimeOffset dateTimeOffset)", |_, a| {
            Ok(Value::Bool(zone(a, 0)?.is_ambiguous(utc_of(offset_at(a, 1)?)?)))
        }),
        m("System.TimeSpan[] GetAmbiguousTimeOffsets(DateTime dateTime)", |_, a| {
            let problem = "The supplied DateTime is not in an ambiguous time range.";
            both(zone(a, 0)?.ambiguous_offsets(date_at(a, 1)?), problem, "dateTime")
        }),
        m("System.TimeSpan[] GetAmbiguousTimeOffsets(DateTimeOffset dateTimeOffset)", |_, a| {
            let problem = "The supplied DateTimeOffset is not in an ambiguous time range.";
            both(zone(a, 0)?.ambiguous_offsets(utc_of(offset_at(a, 1)?)?), problem, "dateTimeOffset")
        }),
        m("static void ClearCachedData()", |_, _| Ok(Value::Null)),
        m("bool IsInvalidTime(DateTime dateTime)", |_, a| {
            Ok(Value::Bool(zone(a, 0)?.is_invalid(date_at(a, 1)?)))
        }),
        m("bool HasSameRules(TimeZoneInfo other)", |_, a| Ok(Value::Bool(zone(a, 0)? == zone(a, 1)?))),
        m("bool Equals(TimeZoneInfo other)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
        m("static DateTime ConvertTimeToUtc(DateTime dateTime)", |_, a| {
            Ok(date_value(date_at(a, 0)?.with_kind(DateTimeKind::Utc)))
        }),
        m("static DateTime ConvertTimeToUtc(DateTime dateTime, TimeZoneInfo sourceTimeZone)", |_, a| {
            Ok(date_value(zone(a, 1)?.to_utc(date_at(a, 0)?)?))
        }),
        m(
            "static DateTime ConvertTimeFromUtc(DateTime dateTime, TimeZoneInfo destinationTimeZone)",
            |_, a| {
                let date = date_at(a, 0)?;
                if date.kind() == DateTimeKind::Local {
                    return Err(Fault::argument(wrong_kind(), "sourceTimeZone"));
                }
                Ok(date_value(zone(a, 1)?.from_utc(date)?))
            },
        ),
        m("static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo destinationTimeZone)", |_, a| {
            Ok(date_value(zone(a, 1)?.from_utc(date_at(a, 0)?)?))
        }),
        m(
            "static DateTime ConvertTime(DateTime dateTime, TimeZoneInfo sourceTimeZone, TimeZoneInfo destinationTimeZone)",
            |_, a| converted(date_at(a, 0)?, zone(a, 1)?, zone(a, 2)?),
        ),
        m(
            "static DateTimeOffset ConvertTime(DateTimeOffset dateTimeOffset, TimeZoneInfo destinationTimeZone)",
            |_, a| moved(offset_at(a, 0)?, zone(a, 1)?),
        ),
        m(
            "static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string destinationTimeZoneId)",
            |_, a| Ok(date_value(Zone::find(a.str(1)?.as_str())?.from_utc(date_at(a, 0)?)?)),
        ),
        m(
            "static DateTime ConvertTimeBySystemTimeZoneId(DateTime dateTime, string sourceTimeZoneId, string destinationTimeZoneId)",
            |_, a| {
                converted(date_at(a, 0)?, &Zone::find(a.str(1)?.as_str())?, &Zone::find(a.str(2)?.as_str())?)
            },
        ),
        m(
            "static DateTimeOffset ConvertTimeBySystemTimeZoneId(DateTimeOffset dateTimeOffset, string destinationTimeZoneId)",
            |_, a| moved(offset_at(a, 0)?, &Zone::find(a.str(1)?.as_str())?),
        ),
    ],
}];

struct Info(Zone);

impl Object for Info {
    fn ty(&self) -> Type {
        library().named("System.TimeZoneInfo")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(display_name(&self.0))
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| other.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(Value::str(self.0.id()).hash_code())
    }
}

/// `StandardName` and `DaylightName` of a zone that policies did not make.
fn plain_name(zone: &Zone) -> &str {
    if zone.is_utc() { "Coordinated Universal Time" } else { zone.id() }
}

fn display_name(zone: &Zone) -> String {
    if let Some(custom) = zone.custom() {
        return custom.display.clone();
    }
    if zone.is_utc() { "(UTC) Coordinated Universal Time".to_owned() } else { zone.id().to_owned() }
}

fn zone<'a>(a: &Args<'a>, index: usize) -> Result<&'a Zone, Fault> {
    Ok(&a.object::<Info>(index)?.0)
}

fn date_at(a: &Args<'_>, index: usize) -> Result<DateTime, Fault> {
    match a.at(index) {
        Value::DateTime(ticks, kind) => Ok(date(*ticks, *kind)?),
        _ => Err(a.null(index)),
    }
}

fn offset_at(a: &Args<'_>, index: usize) -> Result<DateTimeOffset, Fault> {
    match a.at(index) {
        Value::DateTimeOffset(ticks, minutes) => Ok(offset(*ticks, *minutes)?),
        _ => Err(a.null(index)),
    }
}

fn utc_of(moment: DateTimeOffset) -> Result<DateTime, Fault> {
    Ok(DateTime::from_ticks(moment.ticks() - moment.offset().0, DateTimeKind::Utc)?)
}

fn both(found: Option<[TimeSpan; 2]>, problem: &str, parameter: &str) -> Result<Value, Fault> {
    let offsets = found.ok_or_else(|| Fault::argument(problem, parameter))?;
    let items = offsets.iter().map(|offset| Value::TimeSpan(offset.0)).collect();
    Ok(Value::array(Type::TIME_SPAN, items))
}

fn converted(date: DateTime, from: &Zone, to: &Zone) -> Result<Value, Fault> {
    let utc = from.to_utc(date)?;
    let made = to.from_utc(utc)?;
    Ok(date_value(made))
}

fn moved(moment: DateTimeOffset, to: &Zone) -> Result<Value, Fault> {
    let utc = utc_of(moment)?;
    let clock = to.from_utc(utc)?.with_kind(DateTimeKind::Unspecified);
    Ok(offset_value(DateTimeOffset::new(clock, to.offset(utc))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_both_kinds_are_known() {
        let summer = DateTime::from_date(2024, 7, 1).unwrap();
        for id in ["Europe/Rome", "W. Europe Standard Time"] {
            assert_eq!(
                Zone::find(id).unwrap().to_utc(summer).unwrap().to_text("s").unwrap(),
                "2024-06-30T22:00:00"
            );
        }
        assert!(Zone::find("Nope").is_err());
    }
}
