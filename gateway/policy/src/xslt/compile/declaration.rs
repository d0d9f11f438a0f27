//! `xsl:output`, `xsl:strip-space`, `xsl:decimal-format`, `xsl:namespace-alias`.

use super::Compiler;
use crate::xslt::Error;
use crate::xslt::format_number::DecimalFormat;
use crate::xslt::stylesheet::{Encoding, Method, Space};
use crate::xslt::tree::Name;
use crate::xslt::xpath::Test;

impl Compiler<'_> {
    pub(super) fn output(&mut self, at: u32) -> Result<(), Error> {
        let wrong = |name: &str, value: &str| {
            Err(Error::new(format!("'{value}' is an invalid value for the '{name}' attribute.")))
        };
        match self.optional(at, "method") {
            None => {}
            Some("xml") => self.sheet.output.method = Some(Method::Xml),
            Some("html") => self.sheet.output.method = Some(Method::Html),
            Some("text") => self.sheet.output.method = Some(Method::Text),
            Some(other) => return wrong("method", other),
        }
        match self.optional(at, "encoding").map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some("utf-8") => self.sheet.output.encoding = Encoding::Utf8,
            Some("utf-16") => self.sheet.output.encoding = Encoding::Utf16,
            Some("iso-8859-1") => self.sheet.output.encoding = Encoding::Latin1,
            Some("us-ascii") => self.sheet.output.encoding = Encoding::Ascii,
            Some(other) => {
                return Err(Error::new(format!(
                    "The encoding '{other}' of 'xsl:output' is not supported by this gateway: use utf-8, utf-16, iso-8859-1 or us-ascii."
                )));
            }
        }
        let cdata = self.optional(at, "cdata-section-elements").unwrap_or_default();
        for name in cdata.split_whitespace() {
            let name = if name.contains(':') {
                self.qname(at, name)?
            } else {
                Name::new(self.tree.namespace_of(at, "").unwrap_or_default(), name)
            };
            self.sheet.output.cdata_elements.push(name);
        }
        let omits = self.yes_no(at, "omit-xml-declaration")?;
        let (standalone, indent) = (self.yes_no(at, "standalone")?, self.yes_no(at, "indent")?);
        let text = |name: &str| self.optional(at, name).map(str::to_owned);
        let (public, system, version) = (text("doctype-public"), text("doctype-system"), text("version"));
        let output = &mut self.sheet.output;
        output.omits_declaration = omits.unwrap_or(output.omits_declaration);
        output.standalone = standalone.or(output.standalone);
        output.indent = indent.or(output.indent);
        output.doctype_public = public.or(output.doctype_public.take());
        output.doctype_system = system.or(output.doctype_system.take());
        output.version = version.or(output.version.take());
        Ok(())
    }

    pub(super) fn spaces(&mut self, at: u32, strips: bool) -> Result<(), Error> {
        for name in self.required(at, "elements")?.split_whitespace() {
            let test = match name.strip_suffix(":*") {
                _ if name == "*" => Test::Any,
                Some(prefix) => {
                    let namespace = self.tree.namespace_of(at, prefix);
                    Test::Namespace(
                        namespace
                            .ok_or_else(|| Error::new(format!("Prefix '{prefix}' is not declared.")))?
                            .into(),
                    )
                }
                None => Test::Name(self.qname(at, name)?),
            };
            self.sheet.spaces.push(Space { test, strips });
        }
        Ok(())
    }

    pub(super) fn decimal_format(&mut self, at: u32) -> Result<(), Error> {
        let name = self.optional(at, "name").unwrap_or_default().to_owned();
        let mut format = DecimalFormat::default();
        let character = |name: &str, slot: &mut char| -> Result<(), Error> {
            let Some(text) = self.optional(at, name) else { return Ok(()) };
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => *slot = c,
                _ => {
                    return Err(Error::new(format!(
                        "The value of the '{name}' attribute must be a single character."
                    )));
                }
            }
            Ok(())
        };
        character("decimal-separator", &mut format.decimal)?;
        character("grouping-separator", &mut format.grouping)?;
        character("percent", &mut format.percent)?;
        character("per-mille", &mut format.per_mille)?;
        character("zero-digit", &mut format.zero)?;
        character("digit", &mut format.digit)?;
        character("pattern-separator", &mut format.separator)?;
        character("minus-sign", &mut format.minus)?;
        if let Some(text) = self.optional(at, "infinity") {
            text.clone_into(&mut format.infinity);
        }
        if let Some(text) = self.optional(at, "NaN") {
            text.clone_into(&mut format.nan);
        }
        self.sheet.formats.insert(name, format);
        Ok(())
    }

    pub(super) fn alias(&mut self, at: u32) -> Result<(), Error> {
        let namespace = |prefix: &str| {
            let prefix = if prefix == "#default" { "" } else { prefix };
            let found = self.tree.namespace_of(at, prefix).map(str::to_owned);
            let found = found.or_else(|| prefix.is_empty().then(String::new));
            found
                .map(|found| (prefix.to_owned(), found))
                .ok_or_else(|| Error::new(format!("Prefix '{prefix}' is not declared.")))
        };
        let (_, from) = namespace(self.required(at, "stylesheet-prefix")?)?;
        let to = namespace(self.required(at, "result-prefix")?)?;
        self.aliases.insert(from, to);
        Ok(())
    }
}
