//! `System.Text.Encoding`, Base64, and the escapes of URLs and HTML.

mod base64_text;
mod charset;
mod entities;
mod html;
mod url;
mod utf7;

pub use base64_text::{from_base64, to_base64, to_base64_lines};
pub use charset::Encoding;
pub use html::{html_decode, html_encode};
pub use url::{
    escape_data_string, escape_uri_string, hex_escape, unescape_data_string, url_decode, url_decode_bytes,
    url_encode, url_encode_bytes,
};
