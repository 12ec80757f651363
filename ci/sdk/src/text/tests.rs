//! Tests of `text`: what it promises.

use proptest::prelude::*;

use super::*;

fn plain(line: &str) -> String {
    clean(line.as_bytes(), Colours::Drop)
}

fn coloured(line: &str) -> String {
    clean(line.as_bytes(), Colours::Keep)
}

#[test]
fn what_moves_the_cursor_or_clears_the_screen_is_dropped() {
    assert_eq!(plain("a\x1b[2Jb\x1b[1;1Hc\x1b7d\x1b(Be\x07\x08f"), "abcdef");
}

#[test]
fn titles_links_and_clipboard_strings_are_dropped_with_their_content() {
    assert_eq!(
        plain("a\x1b]0;title\x07b\x1b]52;c;c2VjcmV0\x1b\\c\u{9d}8;;x\u{9c}d"),
        "abcd"
    );
}

#[test]
fn a_string_without_an_end_swallows_no_more_than_its_line() {
    assert_eq!(plain("shown\x1b]0;never closed"), "shown");
}

#[test]
fn eight_bit_controls_are_dropped_too() {
    assert_eq!(plain("a\u{9b}2Jb\u{85}c\u{7f}"), "abc");
}

#[test]
fn foreground_colours_survive_when_wanted_and_end_with_the_line() {
    assert_eq!(coloured("\x1b[1;32mok\x1b[0m"), "\x1b[1;32mok\x1b[0m");
    assert_eq!(coloured("\x1b[31mred"), "\x1b[31mred\x1b[0m");
    assert_eq!(coloured("\x1b[38;5;7;48;5;7mx"), "\x1b[38;5;7mx\x1b[0m");
    assert_eq!(plain("\x1b[1;32mok\x1b[0m"), "ok");
}

#[test]
fn styles_that_hide_text_are_dropped() {
    assert_eq!(coloured("\x1b[8mhidden\x1b[7;41mx"), "hiddenx");
}

#[test]
fn a_carriage_return_starts_the_line_over() {
    assert_eq!(plain("10%\r50%\r100%\r\n"), "100%");
}

#[test]
fn tabs_reach_the_next_multiple_of_eight() {
    assert_eq!(plain("a\tb\tc"), "a       b       c");
}

#[test]
fn text_cannot_be_reordered() {
    assert_eq!(plain("a\u{202e}b\u{2066}c"), "a\u{fffd}b\u{fffd}c");
}

#[test]
fn a_name_of_several_lines_becomes_one() {
    assert_eq!(
        one_line("RUN make\n  install\r\n\x1b[2Kx"),
        "RUN make install x"
    );
}

#[test]
fn width_counts_columns_and_not_bytes() {
    assert_eq!(width("日本"), 4);
    assert_eq!(width("e\u{301}"), 1);
    assert_eq!(width("\x1b[31mred\x1b[0m"), 3);
}

#[test]
fn a_cut_text_ends_with_an_ellipsis_and_never_in_half_a_character() {
    assert_eq!(truncate("abcdef", 4), "abc…");
    assert_eq!(truncate("日本語", 4), "日…");
    assert_eq!(truncate("abc", 3), "abc");
    assert_eq!(truncate("abc", 0), "");
}

proptest! {
    #[test]
    fn no_control_character_survives(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!clean(&bytes, Colours::Drop).chars().any(char::is_control));
    }

    #[test]
    fn only_styles_survive_where_colours_are_kept(text in "(\x1b|\\[|[0-9;:m]|[a-zA-Z]|\u{9b}|\\PC){0,80}") {
        let kept = coloured(&text);
        for (i, _) in kept.match_indices('\x1b') {
            let rest = &kept[i + 1..];
            prop_assert!(rest.starts_with('['));
            let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            prop_assert_eq!(&rest[end..=end], "m");
            prop_assert!(rest[1..end].chars().all(|c| c.is_ascii_digit() || c == ';'));
        }
        prop_assert!(!kept.chars().any(|c| c.is_control() && c != '\x1b'));
    }

    #[test]
    fn a_cut_text_fits(text in "\\PC{0,40}", columns in 0usize..30) {
        prop_assert!(width(&truncate(&text, columns)) <= columns);
    }
}
