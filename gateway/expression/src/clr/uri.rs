//! `System.Uri` (expressions.md §6.9): lower-cases scheme and host, resolves dot segments, leaves out default
//! ports, keeps user information, escapes what RFC 3986 does not allow.

mod authority;
mod components;
mod escape;
mod parse;

pub use components::{UriFormat, check_host_name, check_scheme_name, hex_unescape};

use super::exception::{Error, ExceptionKind, Result};

/// `UriHostNameType`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostKind {
    /// No host.
    #[default]
    Unknown = 0,
    /// A host that is no DNS name.
    Basic = 1,
    /// A DNS name.
    Dns = 2,
    /// An IPv4 address.
    Ipv4 = 3,
    /// An IPv6 address in brackets.
    Ipv6 = 4,
}

/// `UriPartial`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriPartial {
    /// `http://`
    Scheme = 0,
    /// … to the port
    Authority = 1,
    /// … to the path
    Path = 2,
    /// … to the query
    Query = 3,
}

/// `UriKind`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UriKind {
    /// Either.
    RelativeOrAbsolute = 0,
    /// With a scheme.
    Absolute = 1,
    /// Without one.
    Relative = 2,
}

/// A URI.
#[derive(Debug, Clone)]
pub struct Uri {
    original: String,
    /// `None` for a relative reference, of which only the text is kept.
    parts: Option<Parts>,
}

#[derive(Debug, Clone, Default)]
struct Parts {
    scheme: String,
    /// Whether `//` stands behind the scheme.
    has_authority: bool,
    /// With its `@`.
    user_info: String,
    host: String,
    host_kind: HostKind,
    /// -1 without one.
    port: i32,
    default_port: i32,
    path: String,
    /// With its `?`.
    query: String,
    /// With its `#`.
    fragment: String,
}

impl Uri {
    /// `new Uri(text)`: an absolute URI.
    ///
    /// # Errors
    /// `UriFormatException`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { original: text.to_owned(), parts: Some(parse::absolute(text)?) })
    }

    /// `new Uri(text, kind)`.
    ///
    /// # Errors
    /// `UriFormatException`.
    pub fn parse_as(text: &str, kind: UriKind) -> Result<Self> {
        let relative = || Self { original: text.to_owned(), parts: None };
        match (kind, Self::parse(text)) {
            (UriKind::Absolute, absolute) => absolute,
            (UriKind::Relative, Ok(uri)) if uri.scheme()? != "file" => Err(format_error(
                "A relative URI cannot be created because the 'uriString' parameter represents an absolute URI.",
            )),
            (UriKind::Relative, _) => Ok(relative()),
            // What starts with a slash is the path of a file only where nothing but an absolute URI will do.
            (UriKind::RelativeOrAbsolute, Ok(_)) if text.trim_start().starts_with('/') => Ok(relative()),
            (UriKind::RelativeOrAbsolute, Ok(uri)) => Ok(uri),
            // A broken authority is an error; a text without scheme is a relative reference.
            (UriKind::RelativeOrAbsolute, Err(error)) => {
                if parse::is_relative(text) {
                    Ok(relative())
                } else {
                    Err(error)
                }
            }
        }
    }

    /// `new Uri(base, relative)`.
    ///
    /// # Errors
    /// `UriFormatException`; `ArgumentOutOfRangeException` when the base is relative.
    pub fn join(base: &Self, relative: &str) -> Result<Self> {
        let Some(parts) = &base.parts else { return Err(Error::out_of_range_for("baseUri")) };
        let text = if parse::is_relative(relative) || relative.starts_with('/') {
            parse::resolve(parts, relative.trim())
        } else {
            relative.to_owned()
        };
        Self::parse(&text)
    }

    /// `Uri.IsWellFormedUriString(text, UriKind.Absolute)`: absolute, and nothing in it needs escaping.
    pub fn is_well_formed(text: &str) -> bool {
        let Ok(uri) = Self::parse(text) else { return false };
        !text.starts_with(['/', '\\']) && uri.parts.is_some_and(|_| escape::is_escaped(text))
    }

    /// `Uri.IsWellFormedUriString(text, kind)`: nothing in it needs escaping, and it is of the kind.
    pub fn is_well_formed_as(text: &str, kind: UriKind) -> bool {
        let absolute = Self::is_well_formed(text);
        let relative = || {
            Self::parse_as(text, UriKind::Relative).is_ok()
                && !text.starts_with("//")
                && escape::is_escaped(text)
        };
        match kind {
            UriKind::Absolute => absolute,
            UriKind::Relative => relative(),
            UriKind::RelativeOrAbsolute => absolute || relative(),
        }
    }

    fn parts(&self) -> Result<&Parts> {
        self.parts
            .as_ref()
            .ok_or_else(|| Error::invalid_operation("This operation is not supported for a relative URI."))
    }

    /// `IsAbsoluteUri`.
    pub fn is_absolute(&self) -> bool {
        self.parts.is_some()
    }

    /// `OriginalString`.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// `Scheme`.
    ///
    /// # Errors
    /// `InvalidOperationException` for a relative URI, as all the following.
    pub fn scheme(&self) -> Result<&str> {
        Ok(&self.parts()?.scheme)
    }

    /// `Host`; IPv6 in brackets.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn host(&self) -> Result<&str> {
        Ok(&self.parts()?.host)
    }

    /// `DnsSafeHost`: IPv6 without brackets.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn dns_safe_host(&self) -> Result<&str> {
        Ok(self.host()?.trim_start_matches('[').trim_end_matches(']'))
    }

    /// `HostNameType`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn host_kind(&self) -> Result<HostKind> {
        Ok(self.parts()?.host_kind)
    }

    /// `Port`: the scheme's default when none is written, -1 when it has none.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn port(&self) -> Result<i32> {
        Ok(self.parts()?.port)
    }

    /// `IsDefaultPort`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn is_default_port(&self) -> Result<bool> {
        let parts = self.parts()?;
        Ok(parts.port == parts.default_port)
    }

    /// `UserInfo`, without its `@`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn user_info(&self) -> Result<&str> {
        Ok(self.parts()?.user_info.trim_end_matches('@'))
    }

    /// `AbsolutePath`, escaped.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn absolute_path(&self) -> Result<&str> {
        Ok(&self.parts()?.path)
    }

    /// `Query`, with its `?`; empty when there is none or nothing in it.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn query(&self) -> Result<&str> {
        Ok(&self.parts()?.query)
    }

    /// `Fragment`, with its `#`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn fragment(&self) -> Result<&str> {
        Ok(&self.parts()?.fragment)
    }

    /// `Authority`: host, and the port unless it is the default.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn authority(&self) -> Result<String> {
        Ok(self.parts()?.authority())
    }

    /// `PathAndQuery`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn path_and_query(&self) -> Result<String> {
        let parts = self.parts()?;
        Ok(format!("{}{}", parts.path, parts.query))
    }

    /// `LocalPath`: the path unescaped.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn local_path(&self) -> Result<String> {
        Ok(super::encoding::unescape_data_string(&self.parts()?.path))
    }

    /// `Segments`: the path cut behind each slash.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn segments(&self) -> Result<Vec<String>> {
        Ok(self.parts()?.path.split_inclusive('/').map(str::to_owned).collect())
    }

    /// `IsLoopback`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn is_loopback(&self) -> Result<bool> {
        let parts = self.parts()?;
        Ok(match parts.host_kind {
            HostKind::Ipv4 => parts.host.starts_with("127."),
            HostKind::Ipv6 => parts.host == "[::1]",
            HostKind::Dns => matches!(parts.host.as_str(), "localhost" | "loopback"),
            HostKind::Basic => parts.host.is_empty(),
            HostKind::Unknown => false,
        })
    }

    /// `IsFile`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn is_file(&self) -> Result<bool> {
        Ok(self.parts()?.scheme == "file")
    }

    /// `AbsoluteUri`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn absolute_uri(&self) -> Result<String> {
        let parts = self.parts()?;
        Ok(format!("{}{}{}{}", parts.up_to_authority(), parts.path, parts.query, parts.fragment))
    }

    /// `GetLeftPart(part)`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn left_part(&self, part: UriPartial) -> Result<String> {
        let parts = self.parts()?;
        Ok(match part {
            UriPartial::Scheme => parts.scheme_part(),
            UriPartial::Authority if parts.has_authority => parts.up_to_authority(),
            UriPartial::Authority => String::new(),
            UriPartial::Path => parts.up_to_authority() + &parts.path,
            UriPartial::Query => format!("{}{}{}", parts.up_to_authority(), parts.path, parts.query),
        })
    }

    /// `IsBaseOf(other)`.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn is_base_of(&self, other: &Self) -> Result<bool> {
        let (base, other) = (self.parts()?, other.parts()?);
        let folder = base.path.rfind('/').and_then(|end| base.path.get(..=end)).unwrap_or_default();
        Ok(base.same_authority(other) && other.path.starts_with(folder))
    }

    /// `MakeRelativeUri(other)`, as text.
    ///
    /// # Errors
    /// `InvalidOperationException`.
    pub fn make_relative(&self, other: &Self) -> Result<String> {
        let (base, target) = (self.parts()?, other.parts()?);
        if !base.same_authority(target) {
            return other.absolute_uri();
        }
        Ok(format!("{}{}{}", parse::relative_path(&base.path, &target.path), target.query, target.fragment))
    }
}

impl Parts {
    fn scheme_part(&self) -> String {
        format!("{}:{}", self.scheme, if self.has_authority { "//" } else { "" })
    }

    fn authority(&self) -> String {
        if self.port == self.default_port || self.port < 0 {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    fn up_to_authority(&self) -> String {
        self.scheme_part() + &self.user_info + &self.authority()
    }

    fn same_authority(&self, other: &Self) -> bool {
        (&self.scheme, &self.host, self.port) == (&other.scheme, &other.host, other.port)
    }
}

/// `UriFormatException`.
fn format_error(problem: &str) -> Error {
    let prefix = if problem.starts_with("A relative") { "" } else { "Invalid URI: " };
    Error::new(ExceptionKind::UriFormat, format!("{prefix}{problem}"))
}

impl PartialEq for Uri {
    /// User information and fragment do not count.
    fn eq(&self, other: &Self) -> bool {
        match (&self.parts, &other.parts) {
            (None, None) => self.original == other.original,
            (Some(a), Some(b)) => a.same_authority(b) && a.path == b.path && a.query == b.query,
            _ => false,
        }
    }
}

impl Eq for Uri {}

impl std::fmt::Display for Uri {
    /// `ToString()`: unescaped where that cannot change the meaning.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(parts) = &self.parts else { return f.write_str(&self.original) };
        f.write_str(&parts.up_to_authority())?;
        f.write_str(&escape::display(&format!("{}{}{}", parts.path, parts.query, parts.fragment)))
    }
}

#[cfg(test)]
mod tests;
