//! `IFormatProvider` and what else `System.Globalization` gives to members of the list. Whatever provider is given,
//! the culture is the invariant one (expressions.md §6.1); policies that are checked strictly have none but null.

use std::any::Any;

use super::{Allow, Type, TypeTable, library, m};
use crate::clr::number::parse::Styles;
use crate::run::Fault;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable { header: "interface System.IFormatProvider", allow: Allow::None, members: &[] },
    TypeTable {
        header: "class System.Globalization.CultureInfo : System.IFormatProvider",
        allow: Allow::None,
        members: &[
            m("static CultureInfo InvariantCulture { get; }", |_, _| Ok(Value::object(Culture))),
            m("static CultureInfo CurrentCulture { get; }", |_, _| Ok(Value::object(Culture))),
            m("static CultureInfo CurrentUICulture { get; }", |_, _| Ok(Value::object(Culture))),
            m("string Name { get; }", |_, _| Ok(Value::str(""))),
        ],
    },
    TypeTable {
        header: "enum System.Globalization.NumberStyles { None = 0, AllowLeadingWhite = 1, AllowTrailingWhite = 2, AllowLeadingSign = 4, Integer = 7, AllowTrailingSign = 8, AllowParentheses = 16, AllowDecimalPoint = 32, AllowThousands = 64, Number = 111, AllowExponent = 128, Float = 167, AllowCurrencySymbol = 256, Currency = 383, Any = 511, AllowHexSpecifier = 512, HexNumber = 515 }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "enum System.Globalization.TimeSpanStyles { None, AssumeNegative }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "enum System.Globalization.UnicodeCategory { UppercaseLetter, LowercaseLetter, TitlecaseLetter, ModifierLetter, OtherLetter, NonSpacingMark, SpacingCombiningMark, EnclosingMark, DecimalDigitNumber, LetterNumber, OtherNumber, SpaceSeparator, LineSeparator, ParagraphSeparator, Control, Format, Surrogate, PrivateUse, ConnectorPunctuation, DashPunctuation, OpenPunctuation, ClosePunctuation, InitialQuotePunctuation, FinalQuotePunctuation, OtherPunctuation, MathSymbol, CurrencySymbol, ModifierSymbol, OtherSymbol, OtherNotAssigned }",
        allow: Allow::None,
        members: &[],
    },
];

/// The invariant culture.
struct Culture;

impl Object for Culture {
    fn ty(&self) -> Type {
        library().named("System.Globalization.CultureInfo")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn crate::host::Host>) -> crate::text::Text {
        crate::text::Text::from("")
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some())
    }
}

/// A `NumberStyles` argument.
pub(super) fn styles(a: &super::Args<'_>, index: usize) -> Result<Styles, Fault> {
    Ok(Styles(a.i64(index)? as u32))
}
