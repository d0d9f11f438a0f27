//! CLR exceptions as values: the exact type and the exact text.

use std::fmt;

/// Result of every fallible function of this module tree.
pub type Result<T> = std::result::Result<T, Error>;

/// A CLR exception about to be thrown: its type and the text of `Exception.Message`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Error {
    /// The exception's CLR type.
    pub kind: ExceptionKind,
    /// `Exception.Message`, with ` (Parameter 'x')` already appended where .NET appends it.
    pub message: String,
}

macro_rules! exceptions {
    ($($name:ident = $full:literal : $base:ident, $text:literal;)*) => {
        /// CLR exception types, with their inheritance.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ExceptionKind {
            $(
                #[doc = concat!("`", $full, "`")]
                $name,
            )*
        }

        impl ExceptionKind {
            /// Every type, base types before the types derived from them.
            pub const ALL: &'static [ExceptionKind] = &[$(Self::$name),*];

            /// The CLR name with its namespace: `System.FormatException`.
            pub fn full_name(self) -> &'static str {
                match self { $(Self::$name => $full,)* }
            }

            /// The direct base class; `Exception` is its own.
            #[must_use]
            pub fn base(self) -> Self {
                match self { $(Self::$name => Self::$base,)* }
            }

            /// The text of an exception made without a message.
            pub fn default_message(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

exceptions! {
    Exception = "System.Exception": Exception, "Exception of type 'System.Exception' was thrown.";
    System = "System.SystemException": Exception, "System error.";
    Arithmetic = "System.ArithmeticException": System, "Overflow or underflow in the arithmetic operation.";
    DivideByZero = "System.DivideByZeroException": Arithmetic, "Attempted to divide by zero.";
    Overflow = "System.OverflowException": Arithmetic, "Arithmetic operation resulted in an overflow.";
    Argument = "System.ArgumentException": System, "Value does not fall within the expected range.";
    ArgumentNull = "System.ArgumentNullException": Argument, "Value cannot be null.";
    ArgumentOutOfRange = "System.ArgumentOutOfRangeException": Argument,
        "Specified argument was out of the range of valid values.";
    DecoderFallback = "System.Text.DecoderFallbackException": Argument,
        "Value does not fall within the expected range.";
    EncoderFallback = "System.Text.EncoderFallbackException": Argument,
        "Value does not fall within the expected range.";
    RegexParse = "System.Text.RegularExpressions.RegexParseException": Argument,
        "Value does not fall within the expected range.";
    ArrayTypeMismatch = "System.ArrayTypeMismatchException": System,
        "Attempted to access an element as a type incompatible with the array.";
    Format = "System.FormatException": System, "One of the identified items was in an invalid format.";
    UriFormat = "System.UriFormatException": Format, "Invalid URI: The format of the URI could not be determined.";
    IndexOutOfRange = "System.IndexOutOfRangeException": System, "Index was outside the bounds of the array.";
    InvalidCast = "System.InvalidCastException": System, "Specified cast is not valid.";
    InvalidOperation = "System.InvalidOperationException": System,
        "Operation is not valid due to the current state of the object.";
    ObjectDisposed = "System.ObjectDisposedException": InvalidOperation, "Cannot access a disposed object.";
    KeyNotFound = "System.Collections.Generic.KeyNotFoundException": System,
        "The given key was not present in the dictionary.";
    NotImplemented = "System.NotImplementedException": System, "The method or operation is not implemented.";
    NotSupported = "System.NotSupportedException": System, "Specified method is not supported.";
    InsufficientExecutionStack = "System.InsufficientExecutionStackException": System,
        "Insufficient stack to continue executing the program safely. This can happen from having too many functions \
         on the call stack or function on the stack using too much stack space.";
    PlatformNotSupported = "System.PlatformNotSupportedException": NotSupported,
        "Operation is not supported on this platform.";
    NullReference = "System.NullReferenceException": System,
        "Object reference not set to an instance of an object.";
    OutOfMemory = "System.OutOfMemoryException": System, "Insufficient memory to continue the execution of the program.";
    Rank = "System.RankException": System, "Attempted to operate on an array with the incorrect number of dimensions.";
    Timeout = "System.TimeoutException": System, "The operation has timed out.";
    RegexMatchTimeout = "System.Text.RegularExpressions.RegexMatchTimeoutException": Timeout,
        "The Regex engine has timed out while trying to match a pattern to an input string. This can occur for many \
         reasons, including very large inputs or excessive backtracking caused by nested quantifiers, \
         back-references and other factors.";
    TimeZoneNotFound = "System.TimeZoneNotFoundException": Exception,
        "Exception of type 'System.TimeZoneNotFoundException' was thrown.";
    InvalidTimeZone = "System.InvalidTimeZoneException": Exception,
        "Exception of type 'System.InvalidTimeZoneException' was thrown.";
    Cryptographic = "System.Security.Cryptography.CryptographicException": System,
        "Error occurred during a cryptographic operation.";
    Io = "System.IO.IOException": System, "I/O error occurred.";
    FileNotFound = "System.IO.FileNotFoundException": Io, "Unable to find the specified file.";
    UnauthorizedAccess = "System.UnauthorizedAccessException": System,
        "Attempted to perform an unauthorized operation.";
    Serialization = "System.Runtime.Serialization.SerializationException": System, "Serialization error.";
    EndOfStream = "System.IO.EndOfStreamException": Io, "Attempted to read past the end of the stream.";
    Xml = "System.Xml.XmlException": System, "An XML error has occurred.";
    XPath = "System.Xml.XPath.XPathException": System, "An XPath error has occurred.";
    Json = "Newtonsoft.Json.JsonException": Exception,
        "Exception of type 'Newtonsoft.Json.JsonException' was thrown.";
    JsonReader = "Newtonsoft.Json.JsonReaderException": Json,
        "Exception of type 'Newtonsoft.Json.JsonReaderException' was thrown.";
    JsonWriter = "Newtonsoft.Json.JsonWriterException": Json,
        "Exception of type 'Newtonsoft.Json.JsonWriterException' was thrown.";
    JsonSerialization = "Newtonsoft.Json.JsonSerializationException": Json,
        "Exception of type 'Newtonsoft.Json.JsonSerializationException' was thrown.";
}

impl ExceptionKind {
    /// True when a `catch (other)` clause would take this exception.
    pub fn is_a(self, other: Self) -> bool {
        let mut kind = self;
        loop {
            if kind == other {
                return true;
            }
            let base = kind.base();
            if base == kind {
                return false;
            }
            kind = base;
        }
    }

    /// The name without its namespace: `FormatException`.
    pub fn name(self) -> &'static str {
        let full = self.full_name();
        full.rsplit_once('.').map_or(full, |(_, name)| name)
    }

    /// Finds a type by its full or its short name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.full_name() == name || kind.name() == name)
    }
}

impl fmt::Display for ExceptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.full_name())
    }
}

impl Error {
    /// An exception with the given text.
    pub fn new(kind: ExceptionKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// An exception with the text .NET gives when none is supplied.
    pub fn of(kind: ExceptionKind) -> Self {
        Self::new(kind, kind.default_message())
    }

    /// `FormatException`.
    pub fn format(message: impl Into<String>) -> Self {
        Self::new(ExceptionKind::Format, message)
    }

    /// `OverflowException`.
    pub fn overflow(message: impl Into<String>) -> Self {
        Self::new(ExceptionKind::Overflow, message)
    }

    /// `InvalidOperationException`.
    pub fn invalid_operation(message: impl Into<String>) -> Self {
        Self::new(ExceptionKind::InvalidOperation, message)
    }

    /// `InvalidCastException`.
    pub fn invalid_cast(message: impl Into<String>) -> Self {
        Self::new(ExceptionKind::InvalidCast, message)
    }

    /// `CryptographicException`.
    pub fn cryptographic(message: impl Into<String>) -> Self {
        Self::new(ExceptionKind::Cryptographic, message)
    }

    /// `ArgumentException` about no particular parameter.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(ExceptionKind::Argument, message)
    }

    /// `ArgumentException` about `parameter`; the name is appended as .NET does.
    pub fn argument_for(message: &str, parameter: &str) -> Self {
        Self::new(ExceptionKind::Argument, with_parameter(message, parameter))
    }

    /// `ArgumentNullException` about `parameter`.
    pub fn argument_null(parameter: &str) -> Self {
        let kind = ExceptionKind::ArgumentNull;
        Self::new(kind, with_parameter(kind.default_message(), parameter))
    }

    /// `ArgumentOutOfRangeException` about `parameter`.
    pub fn out_of_range(message: &str, parameter: &str) -> Self {
        Self::new(ExceptionKind::ArgumentOutOfRange, with_parameter(message, parameter))
    }

    /// `ArgumentOutOfRangeException` with its standard text about `parameter`.
    pub fn out_of_range_for(parameter: &str) -> Self {
        Self::out_of_range(ExceptionKind::ArgumentOutOfRange.default_message(), parameter)
    }

    /// True when a `catch (kind)` clause would take this exception.
    pub fn is_a(&self, kind: ExceptionKind) -> bool {
        self.kind.is_a(kind)
    }
}

fn with_parameter(message: &str, parameter: &str) -> String {
    format!("{message} (Parameter '{parameter}')")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchy_of_every_type_ends_at_exception() {
        for kind in ExceptionKind::ALL {
            assert!(kind.is_a(ExceptionKind::Exception), "{kind}");
            assert!(kind.is_a(*kind), "{kind}");
        }
    }

    #[test]
    fn is_a_follows_base_classes_upwards_only() {
        use ExceptionKind as K;
        let table = [
            (K::DivideByZero, K::Arithmetic, true),
            (K::Arithmetic, K::DivideByZero, false),
            (K::ArgumentNull, K::Argument, true),
            (K::UriFormat, K::Format, true),
            (K::JsonReader, K::Json, true),
            (K::JsonReader, K::System, false),
            (K::RegexMatchTimeout, K::Timeout, true),
            (K::KeyNotFound, K::System, true),
            (K::ObjectDisposed, K::InvalidOperation, true),
        ];
        for (kind, other, expected) in table {
            assert_eq!(kind.is_a(other), expected, "{kind} is {other}");
        }
    }

    #[test]
    fn by_name_takes_full_and_short_names() {
        assert_eq!(ExceptionKind::by_name("System.FormatException"), Some(ExceptionKind::Format));
        assert_eq!(ExceptionKind::by_name("XmlException"), Some(ExceptionKind::Xml));
        assert_eq!(ExceptionKind::by_name("Nothing"), None);
    }

    #[test]
    fn argument_errors_name_their_parameter() {
        assert_eq!(Error::argument_null("s").message, "Value cannot be null. (Parameter 's')");
        assert_eq!(
            Error::out_of_range_for("index").message,
            "Specified argument was out of the range of valid values. (Parameter 'index')"
        );
    }
}
