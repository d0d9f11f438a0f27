//! C# strings over UTF-8 (expressions.md §6.1): indices and lengths count UTF-16 units, comparison is
//! ordinal, case mapping is Unicode's simple mapping.
//!
//! **Lone surrogates.** A C# string may hold half a surrogate pair; `str` cannot. Such a half `U+D800 + n` is
//! kept as the private-use character `U+10F800 + n`. Two halves that come together become the character they
//! mean. Text is taken out of the engine through [`to_well_formed`], which gives U+FFFD for a half, as .NET's
//! encoders do. Input that really holds those 2,048 private-use characters is read as halves.

mod case;
mod char_class;
mod compare;
mod edit;
mod format;
mod search;
mod split;
mod units;

pub use case::{lower_unit, to_lower, to_upper, upper_unit};
pub use char_class::{
    category_number, is_control, is_digit, is_letter, is_letter_or_digit, is_lower, is_number,
    is_punctuation, is_separator, is_symbol, is_upper, is_white_space, numeric_value,
};
pub use compare::{compare, compare_part, ends_with, equals, ignores_case, starts_with};
pub use edit::{
    concat, insert, is_null_or_white_space, join, join_part, pad_left, pad_right, remove, remove_from,
    repeat_unit, replace, replace_unit, substring, substring_from, trim, trim_end, trim_start,
};
pub use format::{align, format_composite};
pub use search::{contains, index_of, index_of_any, last_index_of, last_index_of_any};
pub use split::{Separators, SplitOptions, split};
pub use units::{
    append, from_units, has_lone_surrogate, length, push_unit, slice_units, to_units, to_well_formed,
    unit_at, units,
};
