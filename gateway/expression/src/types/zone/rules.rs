//! `TimeZoneInfo.AdjustmentRule`, `TimeZoneInfo.TransitionTime`, zones that policies make, and the old `TimeZone`.

use std::any::Any;

use super::super::collection::read_only;
use super::super::format::date_value;
use super::super::time::now;
use super::super::{Allow, Args, Type, TypeTable, library, m};
use super::{Info, date_at, display_name, zone};
use crate::clr::date_time::DateTimeKind;
use crate::clr::time_span::TimeSpan;
use crate::clr::time_zone::{Adjustment, Custom, Transition, Zone};
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

const RULE: &str = "System.TimeZoneInfo.AdjustmentRule";

pub(in super::super) static RULES: &[TypeTable] = &[
    TypeTable {
        header: "class System.TimeZoneInfo.AdjustmentRule",
        allow: Allow::All,
        members: &[
            m(
                "static AdjustmentRule CreateAdjustmentRule(DateTime dateStart, DateTime dateEnd, TimeSpan daylightDelta, TransitionTime daylightTransitionStart, TransitionTime daylightTransitionEnd)",
                |_, a| {
                    let (start, end) = (date_at(a, 0)?, date_at(a, 1)?);
                    let made =
                        Adjustment::new(start, end, span_at(a, 2)?, transition(a, 3), transition(a, 4));
                    Ok(Value::object(Rule(made?)))
                },
            ),
            m("DateTime DateStart { get; }", |_, a| Ok(date_value(rule(a, 0)?.start))),
            m("DateTime DateEnd { get; }", |_, a| Ok(date_value(rule(a, 0)?.end))),
            m("TimeSpan DaylightDelta { get; }", |_, a| Ok(Value::TimeSpan(rule(a, 0)?.delta.0))),
            m("TransitionTime DaylightTransitionStart { get; }", |_, a| {
                Ok(Value::object(Moment(rule(a, 0)?.from)))
            }),
            m("TransitionTime DaylightTransitionEnd { get; }", |_, a| {
                Ok(Value::object(Moment(rule(a, 0)?.to)))
            }),
            m("bool Equals(AdjustmentRule other)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
            m("int GetHashCode()", |_, a| Ok(Value::I32(rule(a, 0)?.start.hash_code()))),
        ],
    },
    TypeTable {
        header: "struct System.TimeZoneInfo.TransitionTime",
        allow: Allow::All,
        members: &[
            m("static TransitionTime CreateFixedDateRule(DateTime timeOfDay, int month, int day)", |_, a| {
                Ok(Value::object(Moment(Transition::fixed(date_at(a, 0)?, a.i32(1)?, a.i32(2)?)?)))
            }),
            m(
                "static TransitionTime CreateFloatingDateRule(DateTime timeOfDay, int month, int week, DayOfWeek dayOfWeek)",
                |_, a| {
                    let made = Transition::floating(date_at(a, 0)?, a.i32(1)?, a.i32(2)?, a.i32(3)?);
                    Ok(Value::object(Moment(made?)))
                },
            ),
            m("DateTime TimeOfDay { get; }", |_, a| {
                Ok(Value::DateTime(transition(a, 0).time_of_day, crate::value::Kind::Unspecified))
            }),
            m("int Month { get; }", |_, a| Ok(Value::I32(transition(a, 0).month))),
            m("int Week { get; }", |_, a| Ok(Value::I32(transition(a, 0).week))),
            m("int Day { get; }", |_, a| Ok(Value::I32(transition(a, 0).day))),
            m("DayOfWeek DayOfWeek { get; }", |_, a| {
                let def = library().named("System.DayOfWeek").def();
                let day = i64::from(transition(a, 0).day_of_week);
                Ok(def.map_or(Value::Null, |def| Value::Enum(def, day)))
            }),
            m("bool IsFixedDateRule { get; }", |_, a| Ok(Value::Bool(transition(a, 0).is_fixed))),
            m("bool Equals(object obj)", |_, a| {
                Ok(Value::Bool(a.at(1).downcast::<Moment>().is_some_and(|other| other.0 == transition(a, 0))))
            }),
            m("bool Equals(TransitionTime other)", same),
            m("static bool operator ==(TransitionTime t1, TransitionTime t2)", same),
            m("static bool operator !=(TransitionTime t1, TransitionTime t2)", |_, a| {
                Ok(Value::Bool(transition(a, 0) != transition(a, 1)))
            }),
            m("int GetHashCode()", |_, a| Ok(Value::I32(transition(a, 0).hash_code()))),
        ],
    },
    TypeTable {
        header: "partial class System.TimeZoneInfo",
        allow: Allow::All,
        members: &[
            m(
                "static TimeZoneInfo CreateCustomTimeZone(string id, TimeSpan baseUtcOffset, string displayName, string standardDisplayName)",
                |vm, a| made(vm, a, a.opt_str(3), &Value::Null, false),
            ),
            m(
                "static TimeZoneInfo CreateCustomTimeZone(string id, TimeSpan baseUtcOffset, string displayName, string standardDisplayName, string daylightDisplayName, AdjustmentRule[] adjustmentRules)",
                |vm, a| made(vm, a, a.opt_str(4), a.at(5), false),
            ),
            m(
                "static TimeZoneInfo CreateCustomTimeZone(string id, TimeSpan baseUtcOffset, string displayName, string standardDisplayName, string daylightDisplayName, AdjustmentRule[] adjustmentRules, bool disableDaylightSavingTime)",
                |vm, a| made(vm, a, a.opt_str(4), a.at(5), a.bool(6)?),
            ),
            m("static TimeZoneInfo FromSerializedString(string source)", |vm, a| {
                let text = a.str(0)?.as_str();
                vm.steps(text.len() as u64 / 8)?;
                vm.charge(text.len() * 2)?;
                Ok(Value::object(Info(Zone::from_serialized(text)?)))
            }),
            m("string ToSerializedString()", |vm, a| {
                let own = zone(a, 0)?;
                let text = own.to_serialized(&display_name(own), now(vm)?);
                vm.text(text)
            }),
            m("AdjustmentRule[] GetAdjustmentRules()", |vm, a| {
                vm.steps(100)?;
                let rules = zone(a, 0)?.adjustments(now(vm)?);
                vm.charge(rules.len() * 128)?;
                let items = rules.into_iter().map(|rule| Value::object(Rule(rule))).collect();
                Ok(Value::array(library().named(RULE), items))
            }),
            m(
                "static System.Collections.ObjectModel.ReadOnlyCollection<TimeZoneInfo> GetSystemTimeZones()",
                |vm, _| {
                    vm.steps(1000)?;
                    let zones: Vec<Value> =
                        Zone::all(now(vm)?).into_iter().map(|zone| Value::object(Info(zone))).collect();
                    vm.charge(zones.len() * 128)?;
                    Ok(read_only(library().named("System.TimeZoneInfo"), zones))
                },
            ),
        ],
    },
    TypeTable {
        header: "abstract class System.TimeZone",
        allow: Allow::All,
        members: &[
            m("static TimeZone CurrentTimeZone { get; }", |_, _| Ok(Value::object(Current))),
            m("string StandardName { get; }", |_, _| Ok(Value::str("UTC"))),
            m("string DaylightName { get; }", |_, _| Ok(Value::str("UTC"))),
            m("TimeSpan GetUtcOffset(DateTime time)", |_, _| Ok(Value::TimeSpan(0))),
            m("DateTime ToUniversalTime(DateTime time)", |_, a| {
                Ok(date_value(date_at(a, 1)?.with_kind(DateTimeKind::Utc)))
            }),
            m("DateTime ToLocalTime(DateTime time)", |_, a| {
                Ok(date_value(date_at(a, 1)?.with_kind(DateTimeKind::Local)))
            }),
            m("bool IsDaylightSavingTime(DateTime time)", |_, _| Ok(Value::Bool(false))),
        ],
    },
    TypeTable {
        header: "class System.CurrentSystemTimeZone : System.TimeZone",
        allow: Allow::None,
        members: &[],
    },
];

struct Rule(Adjustment);

/// `TransitionTime`; `default(TransitionTime)` is null here, and reads as the empty one.
struct Moment(Transition);

/// `TimeZone.CurrentTimeZone`: the gateway's clock is UTC.
struct Current;

impl Object for Rule {
    fn ty(&self) -> Type {
        library().named(RULE)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| other.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(self.0.start.ticks() as u64)
    }
}

impl Object for Moment {
    fn ty(&self) -> Type {
        library().named("System.TimeZoneInfo.TransitionTime")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| other.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(self.0.hash_code() as u64)
    }
}

impl Object for Current {
    fn ty(&self) -> Type {
        library().named("System.CurrentSystemTimeZone")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn rule<'a>(a: &Args<'a>, index: usize) -> Result<&'a Adjustment, Fault> {
    Ok(&a.object::<Rule>(index)?.0)
}

fn transition(a: &Args<'_>, index: usize) -> Transition {
    a.at(index).downcast::<Moment>().map(|moment| moment.0).unwrap_or_default()
}

fn same(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    Ok(Value::Bool(transition(a, 0) == transition(a, 1)))
}

fn span_at(a: &Args<'_>, index: usize) -> Result<TimeSpan, Fault> {
    match a.at(index) {
        Value::TimeSpan(ticks) => Ok(TimeSpan(*ticks)),
        _ => Err(a.null(index)),
    }
}

/// A custom zone; `disabled` keeps the rules and uses none of their names.
fn made(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    daylight: Option<&Text>,
    rules: &Value,
    disabled: bool,
) -> Result<Value, Fault> {
    let text = |index: usize| a.opt_str(index).map(|text| text.as_str().to_owned()).unwrap_or_default();
    let mut list = Vec::new();
    if !rules.is_null() {
        for item in vm.collect(rules)? {
            let null = "The AdjustmentRule array cannot contain null elements.";
            let rule =
                item.downcast::<Rule>().ok_or_else(|| Fault::new("System.InvalidTimeZoneException", null))?;
            list.push(rule.0);
        }
    }
    vm.charge(list.len() * 128)?;
    let has_daylight_saving = !disabled && list.iter().any(|rule| rule.delta.0 != 0);
    let daylight = daylight.filter(|_| !disabled).map(|text| text.as_str().to_owned()).unwrap_or_default();
    let custom = Custom {
        base: span_at(a, 1)?,
        display: text(2),
        standard: text(3),
        daylight,
        rules: list,
        has_daylight_saving,
    };
    Ok(Value::object(Info(Zone::made(a.str(0)?.as_str(), custom)?)))
}
