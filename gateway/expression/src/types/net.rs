//! `System.Net.IPAddress` (expressions.md §3.1, §6.9), `System.Tuple`, `System.Nullable`.

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr};

use super::runtime::{record, record_field};
use super::{Allow, Args, Type, TypeTable, library, m};
use crate::host::Host;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

/// `Tuple<…>` of some arity: its constructor parameters, its items, and `Tuple.Create`.
macro_rules! tuples {
    ($($header:literal, $new:literal, $create:literal, [$($item:literal = $index:literal),*];)*) => {
        pub(super) static TUPLES: &[TypeTable] = &[
            $(TypeTable {
                header: $header,
                allow: Allow::All,
                members: &[
                    m($new, |_, a| {
                        let def = a.member.owner;
                        Ok(record(Type::generic(def, a.types.to_vec()), a.values.to_vec()))
                    }),
                    $(m($item, |_, a| record_field(a.this(), $index).ok_or_else(Fault::null_reference)),)*
                ],
            },)*
            TypeTable { header: "static class System.Tuple", allow: Allow::All, members: &[$(m($create, create)),*] },
        ];
    };
}

tuples! {
    "class System.Tuple<T1>", "new(T1 item1)", "static Tuple<T1> Create<T1>(T1 item1)", ["T1 Item1 { get; }" = 0];
    "class System.Tuple<T1, T2>", "new(T1 item1, T2 item2)", "static Tuple<T1, T2> Create<T1, T2>(T1 item1, T2 item2)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1];
    "class System.Tuple<T1, T2, T3>", "new(T1 item1, T2 item2, T3 item3)",
        "static Tuple<T1, T2, T3> Create<T1, T2, T3>(T1 item1, T2 item2, T3 item3)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1, "T3 Item3 { get; }" = 2];
    "class System.Tuple<T1, T2, T3, T4>", "new(T1 item1, T2 item2, T3 item3, T4 item4)",
        "static Tuple<T1, T2, T3, T4> Create<T1, T2, T3, T4>(T1 item1, T2 item2, T3 item3, T4 item4)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1, "T3 Item3 { get; }" = 2, "T4 Item4 { get; }" = 3];
    "class System.Tuple<T1, T2, T3, T4, T5>", "new(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5)",
        "static Tuple<T1, T2, T3, T4, T5> Create<T1, T2, T3, T4, T5>(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1, "T3 Item3 { get; }" = 2, "T4 Item4 { get; }" = 3,
        "T5 Item5 { get; }" = 4];
    "class System.Tuple<T1, T2, T3, T4, T5, T6>",
        "new(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5, T6 item6)",
        "static Tuple<T1, T2, T3, T4, T5, T6> Create<T1, T2, T3, T4, T5, T6>(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5, T6 item6)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1, "T3 Item3 { get; }" = 2, "T4 Item4 { get; }" = 3,
        "T5 Item5 { get; }" = 4, "T6 Item6 { get; }" = 5];
    "class System.Tuple<T1, T2, T3, T4, T5, T6, T7>",
        "new(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5, T6 item6, T7 item7)",
        "static Tuple<T1, T2, T3, T4, T5, T6, T7> Create<T1, T2, T3, T4, T5, T6, T7>(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5, T6 item6, T7 item7)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1, "T3 Item3 { get; }" = 2, "T4 Item4 { get; }" = 3,
        "T5 Item5 { get; }" = 4, "T6 Item6 { get; }" = 5, "T7 Item7 { get; }" = 6];
    "class System.Tuple<T1, T2, T3, T4, T5, T6, T7, TRest>",
        "new(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5, T6 item6, T7 item7, TRest rest)",
        "static Tuple<T1, T2, T3, T4, T5, T6, T7, Tuple<T8>> Create<T1, T2, T3, T4, T5, T6, T7, T8>(T1 item1, T2 item2, T3 item3, T4 item4, T5 item5, T6 item6, T7 item7, T8 item8)",
        ["T1 Item1 { get; }" = 0, "T2 Item2 { get; }" = 1, "T3 Item3 { get; }" = 2, "T4 Item4 { get; }" = 3, "T5 Item5 { get; }" = 4, "T6 Item6 { get; }" = 5, "T7 Item7 { get; }" = 6, "TRest Rest { get; }" = 7];
}

fn create(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let tuple = |types: &[Type], values: Vec<Value>| {
        let def = library().by_full_name("System.Tuple", types.len() as u8);
        let ty = def.map_or(Type::OBJECT, |def| Type::generic(def, types.to_vec()));
        (ty.clone(), record(ty, values))
    };
    // An eighth item is the first of a tuple behind the seventh.
    let (Some((first, [last])), Some((own, [eighth]))) =
        (a.types.split_at_checked(7), a.values.split_at_checked(7))
    else {
        return Ok(tuple(a.types, a.values.to_vec()).1);
    };
    let (ty, rest) = tuple(std::slice::from_ref(last), vec![eighth.clone()]);
    Ok(tuple(&[first, &[ty]].concat(), [own, &[rest]].concat()).1)
}

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "static class System.Nullable",
        allow: Allow::All,
        members: &[
            m("static System.Type GetUnderlyingType(System.Type nullableType)", super::type_code::underlying),
            m("static int Compare<T>(T? n1, T? n2)", |_, a| {
                Ok(Value::I32(super::array::compare_values(a.at(0), a.at(1))? as i32))
            }),
            m("static bool Equals<T>(T? n1, T? n2)", |_, a| Ok(Value::Bool(a.at(0).equals(a.at(1))))),
        ],
    },
    TypeTable {
        header: "enum System.Net.Sockets.AddressFamily { Unspecified = 0, InterNetwork = 2, InterNetworkV6 = 23 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class System.Net.IPAddress",
        allow: Allow::Only(&[
            "AddressFamily",
            "Equals",
            "GetAddressBytes",
            "IsLoopback",
            "Parse",
            "TryParse",
            "ToString",
        ]),
        members: &[
            m("static IPAddress Parse(string ipString)", |_, a| {
                let wrong = || Fault::new("System.FormatException", "An invalid IP address was specified.");
                parse(a.str(0)?.as_str()).map(made).ok_or_else(wrong)
            }),
            m("static bool TryParse(string ipString, out IPAddress address)", |_, a| {
                let found = a.opt_str(0).and_then(|t| parse(t.as_str()));
                a.set_out(1, found.map_or(Value::Null, made));
                Ok(Value::Bool(found.is_some()))
            }),
            m("static bool IsLoopback(IPAddress address)", |_, a| {
                Ok(Value::Bool(a.object::<Address>(0)?.0.is_loopback()))
            }),
            m("byte[] GetAddressBytes()", |_, a| {
                Ok(Value::bytes(match a.object::<Address>(0)?.0 {
                    IpAddr::V4(v4) => v4.octets().to_vec(),
                    IpAddr::V6(v6) => v6.octets().to_vec(),
                }))
            }),
            m("System.Net.Sockets.AddressFamily AddressFamily { get; }", |_, a| {
                let def = library().named("System.Net.Sockets.AddressFamily").def();
                let number = if a.object::<Address>(0)?.0.is_ipv4() { 2 } else { 23 };
                Ok(def.map_or(Value::Null, |def| Value::Enum(def, number)))
            }),
        ],
    },
];

struct Address(IpAddr);

impl Object for Address {
    fn ty(&self) -> Type {
        library().named("System.Net.IPAddress")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.to_string())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(Value::str(&self.0.to_string()).hash_code())
    }
}

fn made(address: IpAddr) -> Value {
    Value::object(Address(address))
}

/// As .NET reads it: one to four parts, octal and hexadecimal too; IPv6 with brackets or a scope.
fn parse(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        let bare = text.strip_prefix('[').and_then(|t| t.split(']').next()).unwrap_or(text);
        let bare = bare.split('%').next().unwrap_or(bare);
        return bare.parse().ok().map(IpAddr::V6);
    }
    let parts: Vec<u64> = text.split('.').map(part).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|p| *p > 255) {
        return None;
    }
    let bits = 8 * (4 - leading.len() as u32);
    if bits < 64 && *last >> bits != 0 {
        return None;
    }
    let high = leading.iter().enumerate().fold(0u64, |all, (i, p)| all | p << (24 - 8 * i));
    u32::try_from(high | last).ok().map(|v| IpAddr::V4(Ipv4Addr::from(v)))
}

fn part(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => (hex, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    if digits.is_empty() || digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().filter(|v| u32::try_from(*v).is_ok())
}
