//! Readers and writers of tokens, which policies only hand on, and the members that are rarely named.

use std::any::Any;

use super::super::{Allow, Args, Type, TypeTable, collection, library, m};
use super::convert::{content, from_object};
use super::token::{charge_copy, sequence, token};
use super::{Json, class_type, value};
use crate::clr::json::{Formatting, JToken, Scalar};
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

/// `Load(reader)` of one class, and `WriteTo`.
macro_rules! loads {
    ($($class:literal),*) => {
        pub(super) static LOADS: &[TypeTable] = &[$(TypeTable {
            header: concat!("partial class Newtonsoft.Json.Linq.", $class),
            allow: Allow::All,
            members: &[
                m(concat!("static ", $class, " Load(Newtonsoft.Json.JsonReader reader)"), |vm, a| load(vm, a, $class)),
                m(
                    concat!("static ", $class, " Load(Newtonsoft.Json.JsonReader reader, JsonLoadSettings settings)"),
                    |vm, a| load(vm, a, $class),
                ),
                m("void WriteTo(Newtonsoft.Json.JsonWriter writer, params Newtonsoft.Json.JsonConverter[] converters)", write_to),
            ],
        }),*];
    };
}

loads! { "JToken", "JObject", "JArray", "JProperty", "JConstructor" }

/// `Parse` and `FromObject` with settings that nothing can make: null is what policies have.
macro_rules! parsed {
    ($($class:literal),*) => {
        pub(super) static PARSED: &[TypeTable] = &[$(TypeTable {
            header: concat!("partial class Newtonsoft.Json.Linq.", $class),
            allow: Allow::All,
            members: &[
                m(concat!("static ", $class, " Parse(string json, JsonLoadSettings settings)"), |vm, a| {
                    super::parse_argument(vm, a, $class)
                }),
                m(
                    concat!("static ", $class, " FromObject(object o, Newtonsoft.Json.JsonSerializer jsonSerializer)"),
                    |_, a| Err(if a.at(0).is_null() { a.null(0) } else { a.null(1) }),
                ),
            ],
        }),*];
    };
}

parsed! { "JToken", "JObject", "JArray" }

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "abstract class Newtonsoft.Json.JsonReader : System.IDisposable",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JTokenReader : Newtonsoft.Json.JsonReader",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "abstract class Newtonsoft.Json.JsonWriter : System.IDisposable",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JTokenWriter : Newtonsoft.Json.JsonWriter",
        allow: Allow::None,
        members: &[],
    },
    TypeTable { header: "abstract class Newtonsoft.Json.JsonSerializer", allow: Allow::None, members: &[] },
    TypeTable {
        header: "abstract class Newtonsoft.Json.JsonSerializerSettings",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "abstract class Newtonsoft.Json.Linq.JsonLoadSettings",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class Newtonsoft.Json.Linq.JTokenEqualityComparer : System.Collections.Generic.IEqualityComparer<JToken>",
        allow: Allow::None,
        members: &[m("bool Equals(JToken x, JToken y)", |_, a| {
            let token = |i: usize| a.at(i).downcast::<Json>().map(|j| &j.0);
            Ok(Value::Bool(crate::clr::json::deep_equals(token(1), token(2))))
        })],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JToken",
        allow: Allow::All,
        members: &[
            m("static JTokenEqualityComparer EqualityComparer { get; }", |_, _| Ok(Value::object(Equality))),
            m("Newtonsoft.Json.JsonReader CreateReader()", |_, a| {
                Ok(Value::object(Handle("JTokenReader", token(a, 0)?.clone())))
            }),
            m("static JToken ReadFrom(Newtonsoft.Json.JsonReader reader)", |vm, a| load(vm, a, "JToken")),
            m(
                "static JToken ReadFrom(Newtonsoft.Json.JsonReader reader, JsonLoadSettings settings)",
                |vm, a| load(vm, a, "JToken"),
            ),
            m("T ToObject<T>(Newtonsoft.Json.JsonSerializer jsonSerializer)", |_, a| Err(a.null(1))),
            m(
                "object ToObject(System.Type objectType, Newtonsoft.Json.JsonSerializer jsonSerializer)",
                |_, a| Err(a.null(2)),
            ),
            m("IEnumerable<JToken> AncestorsAndSelf()", |_, a| {
                let mut list = vec![a.this().clone()];
                list.extend(token(a, 0)?.ancestors().into_iter().map(value));
                Ok(sequence(class_type("JToken"), list))
            }),
            m("IEnumerable<JToken> BeforeSelf()", |_, a| {
                let own = token(a, 0)?;
                let before = own.parent().map(|parent| parent.children()).unwrap_or_default();
                let list = before.into_iter().take_while(|other| !other.same(own)).map(value).collect();
                Ok(sequence(class_type("JToken"), list))
            }),
        ],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JContainer",
        allow: Allow::All,
        members: &[m("Newtonsoft.Json.JsonWriter CreateWriter()", |_, a| {
            Ok(Value::object(Handle("JTokenWriter", token(a, 0)?.clone())))
        })],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JObject",
        allow: Allow::All,
        members: &[m("IEnumerator<KeyValuePair<string, JToken>> GetEnumerator()", |vm, a| {
            let pairs = super::containers::pairs(token(a, 0)?);
            let iter = vm.iterate(&pairs)?;
            let pair = Type::generic(super::super::KEY_VALUE_PAIR, vec![Type::STRING, class_type("JToken")]);
            Ok(Value::object(collection::Enumerator::new(pair, iter)))
        })],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JArray",
        allow: Allow::All,
        members: &[
            m("bool IsReadOnly { get; }", |_, _| Ok(Value::Bool(false))),
            m("IEnumerator<JToken> GetEnumerator()", |vm, a| {
                collection::enumerate::enumerator(vm, a, class_type("JToken"))
            }),
            m("void CopyTo(JToken[] array, int arrayIndex)", |vm, a| {
                let items = vm.collect(a.this())?;
                collection::range::copy(vm, &items, a.at(1), a.i32(2)?)
            }),
        ],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JConstructor",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(value(JToken::constructor("")))),
            m("new(JConstructor other)", |_, a| Ok(value(token(a, 0)?.deep_clone()))),
            m("new(string name, params object[] content)", constructor),
            m("new(string name, object content)", constructor),
        ],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JValue",
        allow: Allow::All,
        members: &[
            m("static JValue CreateUndefined()", |_, _| Ok(value(JToken::value(Scalar::Undefined)))),
            m("string ToString(System.IFormatProvider formatProvider)", |vm, a| {
                vm.to_text(a.this()).map(Value::Str)
            }),
            m("string ToString(string format, System.IFormatProvider formatProvider)", |vm, a| {
                let inner = token(a, 0)?.scalar().map_or(Value::Null, |s| super::convert::plain(&s));
                let text = super::super::format::formatted(&inner, a.opt_str(1).map_or("", |t| t.as_str()))?;
                vm.text(text)
            }),
            m(
                "void WriteTo(Newtonsoft.Json.JsonWriter writer, params Newtonsoft.Json.JsonConverter[] converters)",
                write_to,
            ),
            m("int CompareTo(object obj)", |_, a| {
                let scalar = |index: usize| a.at(index).downcast::<Json>().and_then(|j| j.0.scalar());
                match (scalar(0), scalar(1)) {
                    (Some(x), Some(y)) => Ok(Value::I32(crate::clr::json::compare_scalars(&x, &y)?)),
                    _ => Ok(Value::I32(1)),
                }
            }),
        ],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.JRaw",
        allow: Allow::All,
        members: &[
            m("static JRaw Create(Newtonsoft.Json.JsonReader reader)", |_, a| {
                let text = reader(a)?.to_json(Formatting::None);
                Ok(value(JToken::value(Scalar::Raw(text.into()))))
            }),
            m("new(JRaw other)", |_, a| Ok(value(token(a, 0)?.deep_clone()))),
        ],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.Linq.Extensions",
        allow: Allow::All,
        members: &[
            m("static IJEnumerable<JToken> Ancestors<T>(this IEnumerable<T> source)", |vm, a| {
                each(vm, a, JToken::ancestors)
            }),
            m("static IJEnumerable<JToken> AncestorsAndSelf<T>(this IEnumerable<T> source)", |vm, a| {
                each(vm, a, |token| std::iter::once(token.clone()).chain(token.ancestors()).collect())
            }),
            m("static IJEnumerable<JToken> DescendantsAndSelf<T>(this IEnumerable<T> source)", |vm, a| {
                each(vm, a, |token| std::iter::once(token.clone()).chain(token.descendants()).collect())
            }),
            m("static IEnumerable<U> Children<T, U>(this IEnumerable<T> source)", |vm, a| {
                let ty = a.ty(1);
                let mut list = Vec::new();
                for item in vm.collect(a.at(0))? {
                    let Some(json) = item.downcast::<Json>() else { return Err(Fault::null_reference()) };
                    for child in json.0.children() {
                        list.push(super::convert::value_as(vm, &value(child), &ty)?);
                    }
                }
                Ok(sequence(ty, list))
            }),
            m("static IJEnumerable<JToken> AsJEnumerable(this IEnumerable<JToken> source)", |_, a| {
                Ok(a.at(0).clone())
            }),
            m("static IJEnumerable<T> AsJEnumerable<T>(this IEnumerable<T> source)", |_, a| {
                Ok(a.at(0).clone())
            }),
        ],
    },
    TypeTable {
        header: "partial class Newtonsoft.Json.JsonConvert",
        allow: Allow::All,
        members: &[
            m("static string SerializeObject(object value, params JsonConverter[] converters)", |vm, a| {
                serialized(vm, a, 0)
            }),
            m(
                "static string SerializeObject(object value, Formatting formatting, params JsonConverter[] converters)",
                |vm, a| serialized(vm, a, a.i64(1)?),
            ),
            m("static string SerializeObject(object value, JsonSerializerSettings settings)", |vm, a| {
                serialized(vm, a, 0)
            }),
            m(
                "static string SerializeObject(object value, System.Type type, JsonSerializerSettings settings)",
                |vm, a| serialized(vm, a, 0),
            ),
            m(
                "static string SerializeObject(object value, Formatting formatting, JsonSerializerSettings settings)",
                |vm, a| serialized(vm, a, a.i64(1)?),
            ),
            m(
                "static string SerializeObject(object value, System.Type type, Formatting formatting, JsonSerializerSettings settings)",
                |vm, a| serialized(vm, a, a.i64(2)?),
            ),
            m("static object DeserializeObject(string value, JsonSerializerSettings settings)", |vm, a| {
                super::serialize::deserialized(vm, a, &Type::OBJECT)
            }),
            m("static T DeserializeObject<T>(string value, params JsonConverter[] converters)", |vm, a| {
                super::serialize::deserialized(vm, a, &a.ty(0))
            }),
            m("static T DeserializeObject<T>(string value, JsonSerializerSettings settings)", |vm, a| {
                super::serialize::deserialized(vm, a, &a.ty(0))
            }),
            m(
                "static object DeserializeObject(string value, System.Type type, params JsonConverter[] converters)",
                super::serialize::deserialized_as,
            ),
            m(
                "static object DeserializeObject(string value, System.Type type, JsonSerializerSettings settings)",
                super::serialize::deserialized_as,
            ),
        ],
    },
];

/// A reader over a token, or a writer into one.
struct Handle(&'static str, JToken);

impl Object for Handle {
    fn ty(&self) -> Type {
        class_type(self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `JToken.EqualityComparer`.
struct Equality;

impl Object for Equality {
    fn ty(&self) -> Type {
        library().named("Newtonsoft.Json.Linq.JTokenEqualityComparer")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn reader<'a>(a: &Args<'a>) -> Result<&'a JToken, Fault> {
    Ok(&a.object::<Handle>(0)?.1)
}

/// A copy of what the reader reads, which must be of the class.
fn load(vm: &mut Vm<'_>, a: &Args<'_>, class: &str) -> Result<Value, Fault> {
    let token = reader(a)?;
    if class != "JToken" && token.class_name() != class {
        let found = format!("{:?}", token.token_type());
        let found = if token.is_container() { format!("Start{found}") } else { found };
        let message = format!(
            "Error reading {class} from JsonReader. Current JsonReader item is not an object: {found}. Path ''."
        );
        let message = if class == "JArray" { message.replace("an object", "an array") } else { message };
        return Err(Fault::new("Newtonsoft.Json.JsonReaderException", message));
    }
    charge_copy(vm, token)?;
    Ok(value(token.deep_clone()))
}

fn write_to(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let (own, writer) = (token(a, 0)?, a.object::<Handle>(1)?);
    charge_copy(vm, own)?;
    writer.1.add(&own.deep_clone())?;
    Ok(Value::Null)
}

fn constructor(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let made = JToken::constructor(a.str(0)?.as_str());
    let mut list = Vec::new();
    if a.at(1).is_null() {
        list.push(JToken::null());
    } else {
        content(vm, a.at(1), &mut list)?;
    }
    for item in &list {
        vm.charge(64)?;
        made.add(item)?;
    }
    Ok(value(made))
}

fn each(vm: &mut Vm<'_>, a: &Args<'_>, of: impl Fn(&JToken) -> Vec<JToken>) -> Result<Value, Fault> {
    let mut found = Vec::new();
    for item in vm.collect(a.at(0))? {
        let Some(json) = item.downcast::<Json>() else { return Err(Fault::null_reference()) };
        let list = of(&json.0);
        vm.elements(found.len() + list.len())?;
        found.extend(list.into_iter().map(value));
    }
    Ok(sequence(class_type("JToken"), found))
}

fn serialized(vm: &mut Vm<'_>, a: &Args<'_>, formatting: i64) -> Result<Value, Fault> {
    let formatting = if formatting == 1 { Formatting::Indented } else { Formatting::None };
    let text = from_object(vm, a.at(0), 0)?.to_json(formatting);
    vm.text(text)
}
