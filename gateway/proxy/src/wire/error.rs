//! What can be wrong with a peer's bytes.

use thiserror::Error;

/// A breach of RFC 9110/9112 or of a limit. The connection closes after every one of them: where the next
/// message would begin is not known any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Hash)]
pub enum WireError {
    #[error("line does not end in CR LF")]
    LineEnding,
    #[error("malformed start line")]
    StartLine,
    #[error("method is not a token of at most 32 bytes")]
    Method,
    #[error("method is not allowed")]
    MethodNotAllowed,
    #[error("HTTP version is not supported")]
    Version,
    #[error("request line exceeds its limit")]
    TargetTooLong,
    #[error("malformed request target")]
    Target,
    #[error("request path climbs above its root")]
    TargetAboveRoot,
    #[error("too many query parameters")]
    TooManyParameters,
    #[error("host is missing, repeated or malformed")]
    Host,
    #[error("header fields exceed their limit")]
    HeadTooLarge,
    #[error("too many header fields")]
    TooManyFields,
    #[error("malformed header field")]
    Field,
    #[error("malformed or repeated content-length")]
    ContentLength,
    #[error("unsupported or repeated transfer-encoding")]
    TransferEncoding,
    #[error("both content-length and transfer-encoding")]
    LengthAndEncoding,
    #[error("connection nominates a protected field")]
    Nomination,
    #[error("unknown expectation")]
    Expectation,
    #[error("malformed chunk")]
    Chunk,
    #[error("chunk extensions exceed their limit")]
    ChunkExtension,
    #[error("malformed trailer section, or it exceeds its limit")]
    Trailers,
    #[error("header section arrived too slowly")]
    HeadTimeout,
    #[error("body arrived too slowly")]
    BodyTimeout,
    #[error("body is not allowed with this message")]
    UnexpectedBody,
}

impl WireError {
    /// Status of the answer when a client is at fault; a backend's fault is always 502.
    pub fn status(self) -> u16 {
        match self {
            Self::MethodNotAllowed => 405,
            Self::HeadTimeout | Self::BodyTimeout => 408,
            Self::TargetTooLong => 414,
            Self::Expectation => 417,
            Self::HeadTooLarge | Self::TooManyFields => 431,
            Self::Version => 505,
            _ => 400,
        }
    }

    /// Stable name for the anomaly counter.
    pub fn reason(self) -> &'static str {
        match self {
            Self::LineEnding => "line-ending",
            Self::StartLine => "start-line",
            Self::Method => "method",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::Version => "version",
            Self::TargetTooLong => "target-too-long",
            Self::Target => "target",
            Self::TargetAboveRoot => "target-above-root",
            Self::TooManyParameters => "too-many-parameters",
            Self::Host => "host",
            Self::HeadTooLarge => "head-too-large",
            Self::TooManyFields => "too-many-fields",
            Self::Field => "field",
            Self::ContentLength => "content-length",
            Self::TransferEncoding => "transfer-encoding",
            Self::LengthAndEncoding => "length-and-encoding",
            Self::Nomination => "nomination",
            Self::Expectation => "expectation",
            Self::Chunk => "chunk",
            Self::ChunkExtension => "chunk-extension",
            Self::Trailers => "trailers",
            Self::HeadTimeout => "head-timeout",
            Self::BodyTimeout => "body-timeout",
            Self::UnexpectedBody => "unexpected-body",
        }
    }
}
