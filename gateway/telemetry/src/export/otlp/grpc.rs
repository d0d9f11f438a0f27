//! gRPC's side of it: how a message is framed, and what an answer says (OTLP specification, "OTLP/gRPC Response").

use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::Message;

use crate::export::HttpResponse;

/// gRPC's codes that mean the same of another attempt: cancelled, deadline exceeded, aborted, out of range,
/// unavailable, data loss.
const AGAIN: [u32; 6] = [1, 4, 10, 11, 14, 15];
const RESOURCE_EXHAUSTED: u32 = 8;

/// What an answer means.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken, and the message that says so.
    Taken(Vec<u8>),
    /// The same again after a pause, which the collector may have named.
    Later {
        why: String,
        pause: Option<Duration>,
    },
    /// There was no room for so much.
    TooLarge(String),
    Never(String),
}

/// A message, compressed, as gRPC frames it: its length in four bytes.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[1][..], &length.to_be_bytes(), message].concat()
}

/// Reads an answer.
pub fn read(answer: Result<HttpResponse, String>) -> Outcome {
    let response = match answer {
        Ok(response) => response,
        Err(why) => return Outcome::Later { why, pause: None },
    };
    let Some(code) = response.header("grpc-status").and_then(|code| code.parse::<u32>().ok()) else {
        return without_code(response.status);
    };
    let why = format!("gRPC status {code}: {}", response.header("grpc-message").unwrap_or_default());
    let pause = pause(&response);
    match code {
        0 => Outcome::Taken(response.body.get(5..).unwrap_or_default().to_vec()),
        _ if AGAIN.contains(&code) || code == RESOURCE_EXHAUSTED && pause.is_some() => {
            Outcome::Later { why, pause }
        }
        // Without a pause what is exhausted does not recover: the message is larger than the collector takes.
        RESOURCE_EXHAUSTED => Outcome::TooLarge(why),
        _ => Outcome::Never(why),
    }
}

/// Not a gRPC server's answer but a proxy's; those of the same statuses as by HTTP may be asked again ("HTTP to gRPC
/// Status Code Mapping" of the gRPC project).
fn without_code(status: u16) -> Outcome {
    let why = format!("no gRPC answer, status {status}");
    match status {
        413 => Outcome::TooLarge(why),
        200 | 429 | 502 | 503 | 504 => Outcome::Later { why, pause: None },
        _ => Outcome::Never(why),
    }
}

/// `google.rpc.Status`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// The pause that the answer's `RetryInfo` asks for.
fn pause(response: &HttpResponse) -> Option<Duration> {
    let padding = DecodePaddingMode::Indifferent;
    let base64 =
        GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(padding));
    let status = base64.decode(response.header("grpc-status-details-bin")?).ok()?;
    let status = Status::decode(&*status).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(&*info.value).ok()?.retry_delay.unwrap_or_default();
    let seconds = u64::try_from(delay.seconds).unwrap_or_default();
    Some(Duration::new(seconds, u32::try_from(delay.nanos).unwrap_or_default().min(999_999_999)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `RetryInfo` of 7.5 s, as a collector writes it.
    const DETAILS: &str =
        "CAgSBGJ1c3kaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIBxCAyrXuAQ==";

    fn answer(status: u16, fields: &[(&str, &str)]) -> Outcome {
        let headers = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        read(Ok(HttpResponse { status, headers, body: b"\0\0\0\0\x01x".to_vec() }))
    }

    #[test]
    fn exhausted_is_later_with_a_pause_and_too_large_without() {
        let exhausted = [("grpc-status", "8"), ("grpc-message", "busy")];
        assert_eq!(answer(200, &exhausted), Outcome::TooLarge("gRPC status 8: busy".to_owned()));
        for details in [DETAILS, DETAILS.trim_end_matches('=')] {
            let fields = [exhausted[0], exhausted[1], ("grpc-status-details-bin", details)];
            let pause = Some(Duration::from_millis(7500));
            assert_eq!(answer(200, &fields), Outcome::Later { why: "gRPC status 8: busy".to_owned(), pause });
        }
        for details in ["", "?", "AAAA", "CAgSBGJ1c3ka/w=="] {
            let fields = [exhausted[0], ("grpc-status-details-bin", details)];
            assert!(matches!(answer(200, &fields), Outcome::TooLarge(_)), "{details}");
        }
    }

    #[test]
    fn each_code_and_each_status_without_one_is_what_the_tables_say() {
        assert_eq!(answer(200, &[("grpc-status", "0")]), Outcome::Taken(b"x".to_vec()));
        for code in 1..17 {
            let outcome = answer(200, &[("grpc-status", &code.to_string())]);
            let again = matches!(code, 1 | 4 | 10 | 11 | 14 | 15);
            assert_eq!(matches!(outcome, Outcome::Later { pause: None, .. }), again, "{code}");
            assert_eq!(matches!(outcome, Outcome::TooLarge(_)), code == 8, "{code}");
        }
        for (status, again) in
            [(200, true), (400, false), (401, false), (404, false), (429, true), (503, true)]
        {
            assert_eq!(matches!(answer(status, &[]), Outcome::Later { .. }), again, "{status}");
        }
        assert!(matches!(answer(413, &[]), Outcome::TooLarge(_)));
        assert!(matches!(read(Err("no route".to_owned())), Outcome::Later { .. }));
    }
}
