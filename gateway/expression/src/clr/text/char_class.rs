//! `char.Is…`: Unicode general categories of a UTF-16 unit. Surrogates belong to none of them.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

fn category(unit: u16) -> Option<GeneralCategory> {
    char::from_u32(u32::from(unit)).map(UnicodeGeneralCategory::general_category)
}

fn group(unit: u16) -> Option<GeneralCategoryGroup> {
    char::from_u32(u32::from(unit)).map(UnicodeGeneralCategory::general_category_group)
}

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
        return -1.0;
    }
    // Decimal digits stand in runs of ten.
    let mut zero = unit;
    while zero > 0 && is_digit(zero - 1) {
        zero -= 1;
    }
    f64::from((unit - zero) % 10)
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
