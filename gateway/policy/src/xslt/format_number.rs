//! `format-number` by the patterns of the JDK (XSLT 1.0 §12.3).

use super::Error;

/// `xsl:decimal-format`.
#[derive(Clone, Debug)]
pub struct DecimalFormat {
    pub decimal: char,
    pub grouping: char,
    pub percent: char,
    pub per_mille: char,
    pub zero: char,
    pub digit: char,
    pub separator: char,
    pub minus: char,
    pub infinity: String,
    pub nan: String,
}

impl Default for DecimalFormat {
    fn default() -> Self {
        Self {
            decimal: '.',
            grouping: ',',
            percent: '%',
            per_mille: '\u{2030}',
            zero: '0',
            digit: '#',
            separator: ';',
            minus: '-',
            infinity: "Infinity".to_owned(),
            nan: "NaN".to_owned(),
        }
    }
}

/// One half of a pattern.
#[derive(Debug, Default)]
struct Half {
    prefix: String,
    suffix: String,
    integer_least: usize,
    fraction_least: usize,
    fraction_most: usize,
    group: usize,
    factor: f64,
}

/// Digits behind the point and before it that a pattern may ask for.
const DIGITS_MAX: usize = 100;

/// The number as text.
pub fn format(number: f64, pattern: &str, by: &DecimalFormat) -> Result<String, Error> {
    if number.is_nan() {
        return Ok(by.nan.clone());
    }
    let mut halves = pattern.split(by.separator);
    let first = half(halves.next().unwrap_or_default(), by)?;
    let second = halves.next().map(|text| half(text, by)).transpose()?;
    if halves.next().is_some() {
        return Err(Error::new(format!("Format '{pattern}' has more than one pattern separator.")));
    }
    let body = if number.is_infinite() {
        by.infinity.clone()
    } else {
        digits(number.abs() * first.factor, &first, by)
    };
    let is_zero = body.chars().all(|c| c == by.zero || c == by.decimal || c == by.grouping);
    Ok(match second {
        Some(second) if number < 0.0 && !is_zero => format!("{}{body}{}", second.prefix, second.suffix),
        None if number < 0.0 && !is_zero => format!("{}{}{body}{}", by.minus, first.prefix, first.suffix),
        _ => format!("{}{body}{}", first.prefix, first.suffix),
    })
}

fn half(text: &str, by: &DecimalFormat) -> Result<Half, Error> {
    let mut half = Half { factor: 1.0, ..Half::default() };
    let (mut seen, mut behind_point, mut is_over) = (false, false, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_pattern = [by.digit, by.zero, by.grouping, by.decimal].contains(&c);
        if is_pattern && !is_over {
            seen = true;
            if c == by.decimal {
                behind_point = true;
            } else if c == by.grouping {
                half.group = usize::from(!behind_point);
                continue;
            } else if behind_point {
                half.fraction_most += 1;
                half.fraction_least += usize::from(c == by.zero);
            } else {
                half.integer_least += usize::from(c == by.zero);
                // Digits since the last separator.
                half.group += usize::from(half.group > 0);
            }
            continue;
        }
        is_over = seen;
        let affix = if seen { &mut half.suffix } else { &mut half.prefix };
        match c {
            '\'' => affix.extend(chars.by_ref().take_while(|c| *c != '\'')),
            c => {
                if c == by.percent {
                    half.factor = 100.0;
                } else if c == by.per_mille {
                    half.factor = 1000.0;
                }
                affix.push(c);
            }
        }
    }
    half.group = half.group.saturating_sub(1);
    if !seen || half.integer_least > DIGITS_MAX || half.fraction_most > DIGITS_MAX {
        return Err(Error::new(format!("Format '{text}' is invalid.")));
    }
    Ok(half)
}

fn digits(number: f64, half: &Half, by: &DecimalFormat) -> String {
    let text = rounded(number, half.fraction_most);
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let has_fraction = !fraction.is_empty() || half.fraction_least > 0;
    let least = half.integer_least;
    let whole = format!("{whole:0>least$}");
    let fraction = format!("{fraction:0<least$}", least = half.fraction_least);
    let shifted = |c: char| {
        let offset = c.to_digit(10).unwrap_or_default();
        char::from_u32(u32::from(by.zero) + offset).unwrap_or(c)
    };
    let mut made = String::new();
    let length = whole.len();
    for (index, c) in whole.chars().enumerate() {
        if half.group > 0 && index > 0 && (length - index) % half.group == 0 {
            made.push(by.grouping);
        }
        made.push(shifted(c));
    }
    if has_fraction {
        made.push(by.decimal);
        made.extend(fraction.chars().map(shifted));
    }
    made
}

/// To so many digits behind the point, halves away from zero by the shortest decimal text.
fn rounded(number: f64, digits: usize) -> String {
    let text = number.to_string();
    let Some((whole, fraction)) = text.split_once('.') else { return text };
    let Some(next) = fraction.as_bytes().get(digits) else { return text };
    let mut kept: Vec<u8> = whole.bytes().chain(fraction.bytes().take(digits)).collect();
    if *next >= b'5' {
        let last = kept.iter().rposition(|digit| *digit != b'9');
        let from = last.map_or(0, |last| last + 1);
        kept.iter_mut().skip(from).for_each(|digit| *digit = b'0');
        match last.and_then(|last| kept.get_mut(last)) {
            Some(digit) => *digit += 1,
            None => kept.insert(0, b'1'),
        }
    }
    kept.insert(kept.len() - digits, b'.');
    String::from_utf8(kept).unwrap_or_default()
}
