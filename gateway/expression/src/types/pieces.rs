//! The pieces of a text one by one: `string.EnumerateRunes`, `StringBuilder.GetChunks`.

use std::any::Any;
use std::rc::Rc;

use super::{Allow, Type, TypeTable, library, m};
use crate::clr::text;
use crate::host::Host;
use crate::run::{Fault, Iter, ValuesIter, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

const RUNES: &str = "System.Text.StringRuneEnumerator";
const CHUNKS: &str = "System.Text.StringBuilder.ChunkEnumerator";

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "partial class System.String",
        allow: Allow::All,
        members: &[
            m("System.Text.StringRuneEnumerator EnumerateRunes()", |vm, a| {
                let units = a.str(0)?.units();
                vm.steps(units.len() as u64 / 8)?;
                vm.elements(units.len())?;
                let scalar = |read: Result<char, _>| read.unwrap_or(char::REPLACEMENT_CHARACTER);
                let runes = char::decode_utf16(units.iter().copied()).map(scalar);
                let items = runes.map(|rune| Value::object(Rune(rune))).collect();
                Ok(Value::object(Pieces { class: RUNES, items }))
            }),
            // A reference to the first unit: to expressions its value, which behind an empty text is the final zero.
            m("char GetPinnableReference()", |_, a| {
                Ok(Value::Char(a.str(0)?.units().first().copied().unwrap_or_default()))
            }),
        ],
    },
    TypeTable {
        header: "struct System.Text.StringRuneEnumerator : System.Collections.Generic.IEnumerable<System.Text.Rune>",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "struct System.Text.Rune",
        allow: Allow::None,
        members: &[
            m("int Value { get; }", |_, a| Ok(Value::I32(u32::from(a.object::<Rune>(0)?.0) as i32))),
            m("bool IsAscii { get; }", |_, a| Ok(Value::Bool(a.object::<Rune>(0)?.0.is_ascii()))),
            m("int Utf16SequenceLength { get; }", |_, a| {
                Ok(Value::I32(a.object::<Rune>(0)?.0.len_utf16() as i32))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Text.StringBuilder",
        allow: Allow::All,
        members: &[m("System.Text.StringBuilder.ChunkEnumerator GetChunks()", |vm, a| {
            let text = vm.to_text(a.this())?;
            let items = if text.as_str().is_empty() { Vec::new() } else { vec![Value::object(Chunk(text))] };
            Ok(Value::object(Pieces { class: CHUNKS, items }))
        })],
    },
    TypeTable {
        header: "struct System.Text.StringBuilder.ChunkEnumerator : System.Collections.Generic.IEnumerable<System.ReadOnlyMemory<char>>",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "struct System.ReadOnlyMemory<T>",
        allow: Allow::None,
        members: &[
            m("int Length { get; }", |_, a| {
                Ok(Value::I32(text::length(a.object::<Chunk>(0)?.0.as_str()) as i32))
            }),
            m("bool IsEmpty { get; }", |_, a| Ok(Value::Bool(a.object::<Chunk>(0)?.0.as_str().is_empty()))),
        ],
    },
];

/// A sequence under the name of a class of .NET's.
pub(super) struct Pieces {
    pub class: &'static str,
    pub items: Vec<Value>,
}

/// `System.Text.Rune`: a Unicode scalar.
struct Rune(char);

/// `ReadOnlyMemory<char>`: here a builder is of one chunk.
struct Chunk(Text);

impl Object for Pieces {
    fn ty(&self) -> Type {
        library().named(self.class)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn iterate(self: Rc<Self>, _vm: &mut Vm<'_>) -> Option<Result<Box<dyn Iter>, Fault>> {
        Some(Ok(ValuesIter::boxed(self.items.clone())))
    }
}

impl Object for Rune {
    fn ty(&self) -> Type {
        library().named("System.Text.Rune")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.encode_utf8(&mut [0; 4]) as &str)
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| other.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(u64::from(u32::from(self.0)))
    }
}

impl Object for Chunk {
    fn ty(&self) -> Type {
        let def = library().by_full_name("System.ReadOnlyMemory", 1);
        def.map_or(Type::OBJECT, |def| Type::generic(def, vec![Type::CHAR]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        self.0.clone()
    }
}
