//! Texts in tokens.

/// Bytes of a text that are cut into tokens; the rest is taken to have as many a byte. It bounds the time.
const EXACT_BYTES_MAX: usize = 256 << 10;

/// How a model cuts text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// GPT-4 and GPT-3.5, and the embedding models.
    Cl100k,
    /// GPT-4o and later; also for models of others, as an estimate.
    O200k,
}

impl Vocabulary {
    /// That of a model or deployment name.
    pub fn of_model(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let is_older = ["gpt-3.5", "gpt-35", "text-embedding"].iter().any(|name| model.contains(name))
            || (model.contains("gpt-4")
                && !["gpt-4o", "gpt-4.", "gpt-41"].iter().any(|name| model.contains(name)));
        if is_older { Self::Cl100k } else { Self::O200k }
    }
}

/// Tokens of a text. A vocabulary is loaded when it is first used, some 10 MB each.
pub fn count_tokens(text: &str, vocabulary: Vocabulary) -> u64 {
    let mut end = text.len().min(EXACT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (exact, rest) = text.split_at(end);
    let tokenizer = match vocabulary {
        Vocabulary::Cl100k => bpe_openai::cl100k_base(),
        Vocabulary::O200k => bpe_openai::o200k_base(),
    };
    let count = tokenizer.count(exact) as u64;
    if rest.is_empty() { count } else { count + (rest.len() as u64 * count).div_ceil(end.max(1) as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_tokens_published_examples() {
        assert_eq!(count_tokens("", Vocabulary::O200k), 0);
        assert_eq!(count_tokens("tiktoken is great!", Vocabulary::Cl100k), 6);
        assert_eq!(count_tokens("antidisestablishmentarianism", Vocabulary::Cl100k), 6);
        assert_eq!(count_tokens("2 + 2 = 4", Vocabulary::Cl100k), 7);
        assert_eq!(count_tokens("お誕生日おめでとう", Vocabulary::Cl100k), 9);
        assert_eq!(count_tokens("お誕生日おめでとう", Vocabulary::O200k), 8);
    }

    #[test]
    fn count_tokens_long_text_is_extrapolated() {
        let text = "ab ".repeat(EXACT_BYTES_MAX);
        let count = count_tokens(&text, Vocabulary::O200k);
        assert!(count.abs_diff(EXACT_BYTES_MAX as u64) < 2000, "{count}");
    }

    #[test]
    fn of_model_generations() {
        for (model, vocabulary) in [
            ("gpt-4o-mini", Vocabulary::O200k),
            ("gpt-4.1", Vocabulary::O200k),
            ("gpt-4", Vocabulary::Cl100k),
            ("gpt-35-turbo", Vocabulary::Cl100k),
            ("text-embedding-3-small", Vocabulary::Cl100k),
            ("", Vocabulary::O200k),
        ] {
            assert_eq!(Vocabulary::of_model(model), vocabulary, "{model}");
        }
    }
}
