//! `AsBasic()`: credentials of the Basic scheme (expressions.md §2.7, RFC 7617).

use super::encoding::{Encoding, from_base64};

/// `BasicAuthCredentials`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicCredentials {
    /// `UserId`: what stands before the first colon.
    pub user_id: String,
    /// `Password`: what stands behind it.
    pub password: String,
}

/// Reads the value of an `Authorization` header; `None` unless it is of the Basic scheme and well-formed.
pub fn parse(header: &str) -> Option<BasicCredentials> {
    let (scheme, token) = header.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = from_base64(token.trim()).ok()?;
    let text = Encoding::Latin1.get_string(&bytes);
    let (user_id, password) = text.split_once(':')?;
    Some(BasicCredentials { user_id: user_id.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::encoding::to_base64;
    use proptest::prelude::*;

    #[test]
    fn credentials_are_split_at_the_first_colon() {
        let header = format!("basic {}", to_base64(b"gr\xfcn:a:b"));
        let expected = BasicCredentials { user_id: "grün".to_owned(), password: "a:b".to_owned() };
        assert_eq!(parse(&header), Some(expected));
    }

    #[test]
    fn other_headers_are_no_credentials() {
        for header in ["", "Basic", "Basic !", "Basic YWI=", "Bearer YTpi", "YTpi"] {
            assert_eq!(parse(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_answered(header in ".*|[Bb]asic [A-Za-z0-9=]{0,20}") {
            let _ = parse(&header);
        }
    }
}
