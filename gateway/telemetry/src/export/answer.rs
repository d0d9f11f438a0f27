//! What an HTTP answer means for what was sent (self-hosted-gateway.md §4.3.4; the other services answer alike).

use std::time::{Duration, SystemTime};

use super::HttpResponse;

/// Bytes of an answer's body that go into the log.
const SHOWN_BYTES_MAX: usize = 200;

/// Least pause after 429 or 439 without `Retry-After`.
const THROTTLED: Duration = Duration::from_mins(1);

/// Kinds of answers.
#[derive(Debug)]
pub enum Answer {
    /// 2xx.
    Taken(HttpResponse),
    /// 413: less at a time.
    TooLarge,
    /// No answer, or one that says so: the same again after a pause.
    Later { why: String, pause: Option<Duration> },
    /// 307, 308: another place.
    Moved(String),
    /// The same will never be taken.
    Never(String),
}

impl Answer {
    /// Reads an answer; `now` for `Retry-After` with a date.
    pub fn of(result: Result<HttpResponse, String>, now: SystemTime) -> Self {
        let response = match result {
            Ok(response) => response,
            Err(why) => return Self::Later { why, pause: None },
        };
        let status = response.status;
        match status {
            200..300 => Self::Taken(response),
            307 | 308 => match response.header("Location") {
                Some(place) => Self::Moved(place.to_owned()),
                None => Self::Never(format!("status {status} without a Location")),
            },
            413 => Self::TooLarge,
            429 | 439 => {
                let pause = retry_after(&response, now).unwrap_or(THROTTLED);
                Self::Later { why: describe(&response), pause: Some(pause) }
            }
            401 | 403 | 408 | 500..600 => {
                Self::Later { why: describe(&response), pause: retry_after(&response, now) }
            }
            _ => Self::Never(describe(&response)),
        }
    }
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
pub fn retry_after(response: &HttpResponse, now: SystemTime) -> Option<Duration> {
    let value = response.header("Retry-After")?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn describe(response: &HttpResponse) -> String {
    let body = response.body.get(..response.body.len().min(SHOWN_BYTES_MAX)).unwrap_or_default();
    let body = String::from_utf8_lossy(body);
    if body.is_empty() {
        format!("status {}", response.status)
    } else {
        format!("status {}: {}", response.status, body.trim())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(1_445_412_481); // Wed, 21 Oct 2015 07:28:01 GMT
        for (value, expected) in [
            ("120", Some(120)),
            ("Wed, 21 Oct 2015 07:29:01 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
            ("soon", None),
        ] {
            let headers = vec![("retry-after".to_owned(), value.to_owned())];
            let response = HttpResponse { headers, ..HttpResponse::default() };
            assert_eq!(retry_after(&response, now), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn answer_of_each_status_is_what_the_table_says() {
        let of = |status| Answer::of(Ok(HttpResponse { status, ..HttpResponse::default() }), UNIX_EPOCH);
        for status in [200, 204, 206] {
            assert!(matches!(of(status), Answer::Taken(_)), "{status}");
        }
        for status in [401, 403, 408, 429, 439, 500, 502, 503, 504] {
            assert!(matches!(of(status), Answer::Later { .. }), "{status}");
        }
        for status in [302, 307, 400, 402, 404, 405] {
            assert!(matches!(of(status), Answer::Never(_)), "{status}");
        }
        assert!(matches!(of(439), Answer::Later { pause: Some(THROTTLED), .. }));
        assert!(matches!(of(413), Answer::TooLarge));
        assert!(matches!(Answer::of(Err("x".into()), UNIX_EPOCH), Answer::Later { pause: None, .. }));
    }
}
