//! `char.Is…`: Unicode general categories of a UTF-16 unit. Surrogates belong to none of them.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

fn category(unit: u16) -> Option<GeneralCategory> {
    char::from_u32(u32::from(unit)).map(UnicodeGeneralCategory::general_category)
}

fn group(unit: u16) -> Option<GeneralCategoryGroup> {
    char::from_u32(u32::from(unit)).map(UnicodeGeneralCategory::general_category_group)
}

/// `char.GetUnicodeCategory`, with .NET's numbers.
pub fn category_number(unit: u16) -> i64 {
    let category = category(unit).unwrap_or(GeneralCategory::Surrogate);
    CATEGORIES.iter().position(|known| *known == category).map_or(29, |place| place as i64)
}

/// In the order of .NET's `UnicodeCategory`.
const CATEGORIES: [GeneralCategory; 30] = [
    GeneralCategory::UppercaseLetter,
    GeneralCategory::LowercaseLetter,
    GeneralCategory::TitlecaseLetter,
    GeneralCategory::ModifierLetter,
    GeneralCategory::OtherLetter,
    GeneralCategory::NonspacingMark,
    GeneralCategory::SpacingMark,
    GeneralCategory::EnclosingMark,
    GeneralCategory::DecimalNumber,
    GeneralCategory::LetterNumber,
    GeneralCategory::OtherNumber,
    GeneralCategory::SpaceSeparator,
    GeneralCategory::LineSeparator,
    GeneralCategory::ParagraphSeparator,
    GeneralCategory::Control,
    GeneralCategory::Format,
    GeneralCategory::Surrogate,
    GeneralCategory::PrivateUse,
    GeneralCategory::ConnectorPunctuation,
    GeneralCategory::DashPunctuation,
    GeneralCategory::OpenPunctuation,
    GeneralCategory::ClosePunctuation,
    GeneralCategory::InitialPunctuation,
    GeneralCategory::FinalPunctuation,
    GeneralCategory::OtherPunctuation,
    GeneralCategory::MathSymbol,
    GeneralCategory::CurrencySymbol,
    GeneralCategory::ModifierSymbol,
    GeneralCategory::OtherSymbol,
    GeneralCategory::Unassigned,
];

/// `char.IsLetter`.
pub fn is_letter(unit: u16) -> bool {
    group(unit) == Some(GeneralCategoryGroup::Letter)
}

/// `char.IsDigit`: decimal digits of all scripts.
pub fn is_digit(unit: u16) -> bool {
    category(unit) == Some(GeneralCategory::DecimalNumber)
}

/// `char.IsLetterOrDigit`.
pub fn is_letter_or_digit(unit: u16) -> bool {
    is_letter(unit) || is_digit(unit)
}

/// `char.IsNumber`: digits, fractions, letters used as numbers.
pub fn is_number(unit: u16) -> bool {
    group(unit) == Some(GeneralCategoryGroup::Number)
}

/// `char.IsUpper`.
pub fn is_upper(unit: u16) -> bool {
    category(unit) == Some(GeneralCategory::UppercaseLetter)
}

/// `char.IsLower`.
pub fn is_lower(unit: u16) -> bool {
    category(unit) == Some(GeneralCategory::LowercaseLetter)
}

/// `char.IsPunctuation`.
pub fn is_punctuation(unit: u16) -> bool {
    group(unit) == Some(GeneralCategoryGroup::Punctuation)
}

/// `char.IsSymbol`.
pub fn is_symbol(unit: u16) -> bool {
    group(unit) == Some(GeneralCategoryGroup::Symbol)
}

/// `char.IsSeparator`.
pub fn is_separator(unit: u16) -> bool {
    group(unit) == Some(GeneralCategoryGroup::Separator)
}

/// `char.IsControl`.
pub fn is_control(unit: u16) -> bool {
    category(unit) == Some(GeneralCategory::Control)
}

/// `char.IsWhiteSpace`.
pub fn is_white_space(unit: u16) -> bool {
    char::from_u32(u32::from(unit)).is_some_and(char::is_whitespace)
}

/// `char.GetNumericValue` of decimal digits, -1 for everything else.
pub fn numeric_value(unit: u16) -> f64 {
    if !is_digit(unit) {
        return special_value(unit);
    }
    // Decimal digits stand in runs of ten.
    let mut zero = unit;
    while zero > 0 && is_digit(zero - 1) {
        zero -= 1;
    }
    f64::from((unit - zero) % 10)
}

/// Fractions, raised and lowered digits, Roman and circled numbers; -1 for what is no number.
fn special_value(unit: u16) -> f64 {
    const ROMAN: [f64; 16] =
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 50.0, 100.0, 500.0, 1000.0];
    const FRACTIONS: [(u16, f64, f64); 19] = [
        (0xBC, 1.0, 4.0),
        (0xBD, 1.0, 2.0),
        (0xBE, 3.0, 4.0),
        (0x2150, 1.0, 7.0),
        (0x2151, 1.0, 9.0),
        (0x2152, 1.0, 10.0),
        (0x2153, 1.0, 3.0),
        (0x2154, 2.0, 3.0),
        (0x2155, 1.0, 5.0),
        (0x2156, 2.0, 5.0),
        (0x2157, 3.0, 5.0),
        (0x2158, 4.0, 5.0),
        (0x2159, 1.0, 6.0),
        (0x215A, 5.0, 6.0),
        (0x215B, 1.0, 8.0),
        (0x215C, 3.0, 8.0),
        (0x215D, 5.0, 8.0),
        (0x215E, 7.0, 8.0),
        (0x2189, 0.0, 3.0),
    ];
    match unit {
        0xB2 | 0xB3 => f64::from(unit - 0xB0),
        0xB9 => 1.0,
        0x2070 | 0x2074..=0x2079 => f64::from(unit - 0x2070),
        0x2080..=0x2089 => f64::from(unit - 0x2080),
        0x2160..=0x216F => ROMAN.get(usize::from(unit - 0x2160)).copied().unwrap_or(-1.0),
        0x2170..=0x217F => ROMAN.get(usize::from(unit - 0x2170)).copied().unwrap_or(-1.0),
        0x2460..=0x2473 => f64::from(unit - 0x2460 + 1),
        _ => FRACTIONS
            .iter()
            .find(|(known, ..)| *known == unit)
            .map_or(-1.0, |(_, above, below)| above / below),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_unicode() {
        let arabic_seven = 0x0667;
        assert!(is_digit(arabic_seven) && is_number(arabic_seven) && !is_letter(arabic_seven));
        assert!((numeric_value(arabic_seven) - 7.0).abs() < f64::EPSILON);
        assert!(is_letter(0x00AA) && !is_lower(0x00AA));
        assert!(is_symbol(u16::from(b'+')) && is_punctuation(u16::from(b'_')));
        assert!(is_separator(0x00A0) && is_white_space(0x00A0) && is_control(10));
        assert!(!is_letter(0xD83D));
    }
}
