//! Foreign text that leaves the terminal alone, and shows all that is in it.

/// Foreign text, such as a memo, a path or a log, as it may be printed: what steers a terminal, turns
/// the direction of writing or cannot be seen is shown as U+FFFD. Line breaks and tabs, which only
/// lay text out, stay in.
#[must_use]
pub fn plain(text: &str) -> String {
    let plain = |character: char| match character {
        '\n' | '\t' => character,
        character if is_deceptive(character) => '\u{fffd}',
        character => character,
    };
    text.chars().map(plain).collect()
}

/// Whether a character, printed as it is, would make a text look like another one: controls,
/// controls of direction (U+202E shows `gpj.exe` as `exe.jpg`), and what is not seen at all
/// (Unicode's default ignorable characters, and separators of lines and paragraphs).
pub(crate) const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// JSON in which such characters are written as escapes: the same value for every program, and
/// harmless where a person looks at it.
pub(crate) fn plain_json(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for character in json.chars() {
        // The layout's own line breaks; those within text are escaped already.
        if character != '\n' && is_deceptive(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                plain.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\nc"), "a\u{fffd}[2Jb\nc");
    }

    #[test]
    fn what_turns_or_hides_text_is_shown() {
        let hidden =
            "\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{200d}\u{feff}\u{ad}\u{2028}\u{e0041}\u{9b}";
        assert!(plain(hidden).chars().all(|shown| shown == '\u{fffd}'));
        // Letters of every writing, and those that are written from right to left by themselves.
        for text in ["Miete für Mai", "إيجار", "שכר דירה", "家賃", "🏠 – „rent“"]
        {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn json_says_the_same_and_shows_nothing_else() {
        let value = serde_json::json!({"memo": "\u{202e}evil\u{7f}\u{e0041}", "more": ["a\nb"]});
        for json in [
            value.to_string(),
            serde_json::to_string_pretty(&value).unwrap(),
        ] {
            let plain = plain_json(&json);
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&plain).unwrap(),
                value
            );
            assert!(
                !plain
                    .chars()
                    .any(|shown| shown != '\n' && is_deceptive(shown)),
                "{plain}"
            );
        }
    }
}
