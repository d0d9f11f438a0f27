//! Numbers and their text (`XPath` 1.0 §4.4, §4.2).

/// `number(text)`: digits with one point and a minus; anything else is no number.
pub fn number_of(text: &str) -> f64 {
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1;
    if is_number { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
}

/// `string(number)`: never with an exponent.
pub fn number_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else if number == 0.0 {
        "0".to_owned()
    } else {
        number.to_string()
    }
}

/// `round(number)`: halves go up.
pub fn round(number: f64) -> f64 {
    if number.is_nan() || number.is_infinite() || number.fract() == 0.0 {
        return number;
    }
    if (-0.5..0.0).contains(&number) { -0.0 } else { (number + 0.5).floor() }
}
