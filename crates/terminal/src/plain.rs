//! Foreign text that leaves the terminal alone.

/// Foreign text, such as a path or a log, may hold control characters: they stay out of the
/// terminal. Line breaks and tabs, which only lay text out, stay in.
#[must_use]
pub fn plain(text: &str) -> String {
    let plain = |character: char| match character {
        '\n' | '\t' => character,
        character if character.is_control() => '\u{fffd}',
        character => character,
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\nc"), "a\u{fffd}[2Jb\nc");
    }
}
