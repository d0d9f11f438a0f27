//! What encodings do about text that they cannot say, and bytes that say nothing: `EncoderFallback`, `DecoderFallback`.

use std::any::Any;

use super::super::{Allow, Args, Type, TypeTable, library, m, rw};
use super::{EncodingObject, made, of, with_fallbacks};
use crate::clr::encoding::Encoding;
use crate::clr::text;
use crate::run::Fault;
use crate::value::{Object, Value};

/// A fallback of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    Replacement(String),
    Exception,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coder {
    Encoder,
    Decoder,
}

impl Fallback {
    /// `ReplacementFallback` of either kind.
    fn plain(coder: Coder) -> Self {
        Self::Replacement(if coder == Coder::Encoder { "?" } else { "\u{fffd}" }.to_owned())
    }

    /// What an encoding does of itself.
    pub fn of(encoding: Encoding, coder: Coder) -> Self {
        let question = match coder {
            Coder::Encoder => matches!(encoding, Encoding::Ascii | Encoding::Latin1),
            Coder::Decoder => encoding == Encoding::Ascii,
        };
        Self::Replacement(if question { "?" } else { "\u{fffd}" }.to_owned())
    }
}

macro_rules! fallbacks {
    ($($base:literal, $replacement:literal, $exception:literal, $coder:expr;)*) => {
        pub(in super::super) static FALLBACKS: &[TypeTable] = &[$(
            TypeTable {
                header: concat!("abstract class System.Text.", $base),
                allow: Allow::None,
                members: &[
                    m(concat!("static ", $base, " ReplacementFallback { get; }"), |_, _| {
                        Ok(Value::object(Held($coder, Fallback::plain($coder))))
                    }),
                    m(concat!("static ", $base, " ExceptionFallback { get; }"), |_, _| {
                        Ok(Value::object(Held($coder, Fallback::Exception)))
                    }),
                    m("int MaxCharCount { get; }", |_, a| {
                        Ok(Value::I32(match &a.object::<Held>(0)?.1 {
                            Fallback::Replacement(with) => text::length(with) as i32,
                            Fallback::Exception => 0,
                        }))
                    }),
                ],
            },
            TypeTable {
                header: concat!("class System.Text.", $replacement, " : System.Text.", $base),
                allow: Allow::None,
                members: &[
                    m("new()", |_, _| Ok(Value::object(Held($coder, Fallback::Replacement("?".to_owned()))))),
                    m("new(string replacement)", |_, a| {
                        let with = a.str(0)?.as_str().to_owned();
                        Ok(Value::object(Held($coder, Fallback::Replacement(with))))
                    }),
                ],
            },
            TypeTable {
                header: concat!("class System.Text.", $exception, " : System.Text.", $base),
                allow: Allow::None,
                members: &[m("new()", |_, _| Ok(Value::object(Held($coder, Fallback::Exception))))],
            },
        )*];
    };
}

fallbacks! {
    "EncoderFallback", "EncoderReplacementFallback", "EncoderExceptionFallback", Coder::Encoder;
    "DecoderFallback", "DecoderReplacementFallback", "DecoderExceptionFallback", Coder::Decoder;
}

pub(in super::super) static INFO: &[TypeTable] = &[
    TypeTable {
        header: "partial class System.Text.Encoding",
        allow: Allow::All,
        members: &[
            rw(
                "EncoderFallback EncoderFallback { get; set; }",
                |_, a| Ok(held(Coder::Encoder, &a.object::<EncodingObject>(0)?.encoder.borrow())),
                |_, a| set(a, Coder::Encoder),
            ),
            rw(
                "DecoderFallback DecoderFallback { get; set; }",
                |_, a| Ok(held(Coder::Decoder, &a.object::<EncodingObject>(0)?.decoder.borrow())),
                |_, a| set(a, Coder::Decoder),
            ),
            m("static void RegisterProvider(EncodingProvider provider)", |_, a| Err(a.null(0))),
            m(
                "static Encoding GetEncoding(int codepage, EncoderFallback encoderFallback, DecoderFallback decoderFallback)",
                |_, a| chosen(a, Encoding::by_code_page(a.i32(0)?)?),
            ),
            m(
                "static Encoding GetEncoding(string name, EncoderFallback encoderFallback, DecoderFallback decoderFallback)",
                |_, a| chosen(a, Encoding::by_name(a.str(0)?.as_str())?),
            ),
            m("static EncodingInfo[] GetEncodings()", |vm, _| {
                vm.charge(512)?;
                let items = Encoding::ALL.into_iter().map(|encoding| Value::object(Info(encoding))).collect();
                Ok(Value::array(library().named("System.Text.EncodingInfo"), items))
            }),
            m("System.Text.Decoder GetDecoder()", |_, a| {
                let is_utf7 = of(a, 0)? == Encoding::Utf7;
                Ok(Value::object(Named(if is_utf7 {
                    "System.Text.UTF7Encoding.Decoder"
                } else {
                    "System.Text.DecoderNLS"
                })))
            }),
            m("System.Text.Encoder GetEncoder()", |_, a| {
                let is_utf7 = of(a, 0)? == Encoding::Utf7;
                Ok(Value::object(Named(if is_utf7 {
                    "System.Text.UTF7Encoding.Encoder"
                } else {
                    "System.Text.EncoderNLS"
                })))
            }),
        ],
    },
    TypeTable {
        header: "class System.Text.EncodingInfo",
        allow: Allow::None,
        members: &[
            m("int CodePage { get; }", |_, a| Ok(Value::I32(a.object::<Info>(0)?.0.code_page()))),
            m("string Name { get; }", |_, a| Ok(Value::str(a.object::<Info>(0)?.0.web_name()))),
            m("string DisplayName { get; }", |_, a| Ok(Value::str(a.object::<Info>(0)?.0.name()))),
            m("Encoding GetEncoding()", |_, a| Ok(made(a.object::<Info>(0)?.0))),
        ],
    },
    TypeTable { header: "abstract class System.Text.EncodingProvider", allow: Allow::None, members: &[] },
    // What these two do goes beyond the allow-list.
    TypeTable { header: "abstract class System.Text.Decoder", allow: Allow::None, members: &[] },
    TypeTable { header: "abstract class System.Text.Encoder", allow: Allow::None, members: &[] },
    TypeTable {
        header: "class System.Text.DecoderNLS : System.Text.Decoder",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.EncoderNLS : System.Text.Encoder",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.UTF7Encoding : System.Text.Encoding",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.UTF7Encoding.Decoder : System.Text.Decoder",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.UTF7Encoding.Encoder : System.Text.Encoder",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.UTF8Encoding : System.Text.Encoding",
        allow: Allow::None,
        members: &[
            m("new()", |_, _| Ok(made(Encoding::Utf8))),
            m("new(bool encoderShouldEmitUTF8Identifier)", |_, _| Ok(made(Encoding::Utf8))),
        ],
    },
    TypeTable {
        header: "class System.Text.UTF8Encoding.UTF8EncodingSealed : System.Text.UTF8Encoding",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.ASCIIEncoding : System.Text.Encoding",
        allow: Allow::None,
        members: &[m("new()", |_, _| Ok(made(Encoding::Ascii)))],
    },
    TypeTable {
        header: "class System.Text.ASCIIEncoding.ASCIIEncodingSealed : System.Text.ASCIIEncoding",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.Latin1Encoding : System.Text.Encoding",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Text.UnicodeEncoding : System.Text.Encoding",
        allow: Allow::None,
        members: &[m("new()", |_, _| Ok(made(Encoding::Utf16)))],
    },
    TypeTable {
        header: "class System.Text.UTF32Encoding : System.Text.Encoding",
        allow: Allow::None,
        members: &[m("new()", |_, _| Ok(made(Encoding::Utf32)))],
    },
];

/// A fallback as a value.
struct Held(Coder, Fallback);

/// `EncodingInfo`.
struct Info(Encoding);

/// An object of which policies can use nothing but the name.
struct Named(&'static str);

impl Object for Held {
    fn ty(&self) -> Type {
        library().named(match (self.0, &self.1) {
            (Coder::Encoder, Fallback::Replacement(_)) => "System.Text.EncoderReplacementFallback",
            (Coder::Encoder, Fallback::Exception) => "System.Text.EncoderExceptionFallback",
            (Coder::Decoder, Fallback::Replacement(_)) => "System.Text.DecoderReplacementFallback",
            (Coder::Decoder, Fallback::Exception) => "System.Text.DecoderExceptionFallback",
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| (other.0, &other.1) == (self.0, &self.1)))
    }
}

impl Object for Info {
    fn ty(&self) -> Type {
        library().named("System.Text.EncodingInfo")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|other| other.0 == self.0))
    }
}

impl Object for Named {
    fn ty(&self) -> Type {
        library().named(self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn held(coder: Coder, fallback: &Fallback) -> Value {
    Value::object(Held(coder, fallback.clone()))
}

fn fallback(a: &Args<'_>, index: usize) -> Result<Fallback, Fault> {
    let found = a.at(index).downcast::<Held>().map(|held| held.1.clone());
    found.ok_or_else(|| Fault::argument_null("value"))
}

fn set(a: &Args<'_>, coder: Coder) -> Result<Value, Fault> {
    let own = a.object::<EncodingObject>(0)?;
    if own.is_read_only {
        return Err(Fault::invalid_operation("Instance is read-only."));
    }
    let slot = if coder == Coder::Encoder { &own.encoder } else { &own.decoder };
    *slot.borrow_mut() = fallback(a, 1)?;
    Ok(Value::Null)
}

fn chosen(a: &Args<'_>, encoding: Encoding) -> Result<Value, Fault> {
    Ok(with_fallbacks(encoding, fallback(a, 1)?, fallback(a, 2)?, false))
}

/// `GetBytes` of the encoding that an argument is.
pub(super) fn encoded(a: &Args<'_>, index: usize, of: &str) -> Result<Vec<u8>, Fault> {
    let own = a.object::<EncodingObject>(index)?;
    let fallback = own.encoder.borrow();
    if own.encoding == Encoding::Utf7 || *fallback == Fallback::of(own.encoding, Coder::Encoder) {
        return Ok(own.encoding.get_bytes(of));
    }
    let fits = |unit: &Result<char, u16>| match (own.encoding, unit) {
        (_, Err(_)) => false,
        (Encoding::Ascii, Ok(c)) => c.is_ascii(),
        (Encoding::Latin1, Ok(c)) => u32::from(*c) < 0x100,
        _ => true,
    };
    let (mut out, mut at) = (Vec::new(), 0);
    let units = text::to_units(of);
    for read in char::decode_utf16(units.iter().copied()) {
        let read = read.map_err(|error| error.unpaired_surrogate());
        let width = read.map_or(1, char::len_utf16);
        match (&*fallback, read) {
            (_, Ok(c)) if fits(&read) => out.extend(own.encoding.get_bytes(c.encode_utf8(&mut [0; 4]))),
            (Fallback::Replacement(with), _) => {
                if let Some(bad) = with.chars().find(|c| !fits(&Ok(*c))) {
                    let problem =
                        format!("Recursive fallback not allowed for character \\\\u{:04X}.", u32::from(bad));
                    return Err(Fault::argument(&problem, "chars"));
                }
                for _ in 0..width {
                    out.extend(own.encoding.get_bytes(with));
                }
            }
            (Fallback::Exception, read) => {
                let number = read.map_or_else(u32::from, u32::from);
                let problem = format!(
                    "Unable to translate Unicode character \\\\u{number:04X} at index {at} to specified code page."
                );
                return Err(Fault::new("System.Text.EncoderFallbackException", problem));
            }
        }
        at += width;
    }
    Ok(out)
}

/// `GetString` of the encoding that an argument is.
pub(super) fn decoded(a: &Args<'_>, index: usize, bytes: &[u8]) -> Result<String, Fault> {
    let own = a.object::<EncodingObject>(index)?;
    let fallback = own.decoder.borrow();
    if own.encoding == Encoding::Utf7 || *fallback == Fallback::of(own.encoding, Coder::Decoder) {
        return Ok(own.encoding.get_string(bytes));
    }
    let mut out = String::new();
    let mut at = 0;
    for (good, bad) in pieces(own.encoding, bytes) {
        out.push_str(&own.encoding.get_string(good));
        at += good.len();
        match &*fallback {
            _ if bad.is_empty() => {}
            Fallback::Replacement(with) => out.push_str(with),
            Fallback::Exception => {
                let shown: String = bad.iter().map(|byte| format!("[{byte:02X}]")).collect();
                let problem = format!(
                    "Unable to translate bytes {shown} at index {at} from specified code page to Unicode."
                );
                return Err(Fault::new("System.Text.DecoderFallbackException", problem));
            }
        }
        at += bad.len();
    }
    Ok(out)
}

/// Bytes that say something, each time with those behind them that say nothing.
fn pieces(encoding: Encoding, bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let one_by_one = |is_good: fn(&[u8]) -> bool, width: usize| {
        bytes
            .chunks(width)
            .map(|part| if is_good(part) { (part, &[][..]) } else { (&[][..], part) })
            .collect()
    };
    match encoding {
        Encoding::Utf8 => {
            bytes.utf8_chunks().map(|chunk| (chunk.valid().as_bytes(), chunk.invalid())).collect()
        }
        Encoding::Ascii => one_by_one(<[u8]>::is_ascii, 1),
        Encoding::Utf7 | Encoding::Latin1 => vec![(bytes, &[][..])],
        Encoding::Utf16 => wide(bytes, u16::from_le_bytes),
        Encoding::Utf16BigEndian => wide(bytes, u16::from_be_bytes),
        Encoding::Utf32 => one_by_one(|four| scalar(four, u32::from_le_bytes), 4),
        Encoding::Utf32BigEndian => one_by_one(|four| scalar(four, u32::from_be_bytes), 4),
    }
}

fn scalar(four: &[u8], read: fn([u8; 4]) -> u32) -> bool {
    four.try_into().is_ok_and(|four| char::from_u32(read(four)).is_some())
}

/// UTF-16: a pair of surrogates is one piece.
fn wide(bytes: &[u8], read: impl Fn([u8; 2]) -> u16) -> Vec<(&[u8], &[u8])> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut found = Vec::new();
    let mut at = 0;
    for unit in char::decode_utf16(pairs.iter().map(|pair| read(*pair))) {
        let width = 2 * unit.as_ref().map_or(1, |c| c.len_utf16());
        let part = bytes.get(at..at + width).unwrap_or_default();
        found.push(if unit.is_ok() { (part, &[][..]) } else { (&[][..], part) });
        at += width;
    }
    if !rest.is_empty() {
        found.push((&[][..], rest));
    }
    found
}
