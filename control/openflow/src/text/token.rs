//! Cutting a flow's text into tokens that know their columns.

use super::error::{Reason, SyntaxError};

/// A piece of the text and where it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// In characters from 1.
    pub(super) column: usize,
}

impl<'a> Token<'a> {
    /// The whole text as one token.
    pub(super) fn whole(text: &'a str) -> Token<'a> {
        Token { text, column: 1 }
    }

    /// The next piece between commas or white space, and the rest. Parentheses hold a piece together.
    pub(super) fn next_piece(self) -> Option<(Token<'a>, Token<'a>)> {
        let start = self.text.find(|c| !is_separator(c))?;
        let from = self.skip(start);
        let mut depth = 0_usize;
        let end = from.text.find(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && is_separator(c)
        });
        Some(from.split_at(end.unwrap_or(from.text.len())))
    }

    /// What stands before and after the first `separator`.
    pub(super) fn split_once(self, separator: char) -> Option<(Token<'a>, Token<'a>)> {
        let (before, from) = self.split_at(self.text.find(separator)?);
        Some((before, from.skip(separator.len_utf8())))
    }

    /// What stands before and after the first `separator`.
    pub(super) fn split_once_str(self, separator: &str) -> Option<(Token<'a>, Token<'a>)> {
        let (before, from) = self.split_at(self.text.find(separator)?);
        Some((before, from.skip(separator.len())))
    }

    /// The error that this token has.
    pub(super) fn error(self, reason: Reason) -> SyntaxError {
        SyntaxError { column: self.column, token: self.text.to_owned(), reason }
    }

    /// The token without its first `bytes`, which end at a character's boundary.
    pub(super) fn skip(self, bytes: usize) -> Token<'a> {
        self.split_at(bytes).1
    }

    fn split_at(self, bytes: usize) -> (Token<'a>, Token<'a>) {
        let (before, after) = self.text.split_at_checked(bytes).unwrap_or((self.text, ""));
        let column = self.column + before.chars().count();
        (Token { text: before, column: self.column }, Token { text: after, column })
    }
}

fn is_separator(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_know_their_columns() {
        let mut rest = Token::whole(" é=1, controller(max_len=4,x=5)\tb");
        let mut pieces = Vec::new();
        while let Some((piece, after)) = rest.next_piece() {
            pieces.push((piece.column, piece.text));
            rest = after;
        }
        assert_eq!(pieces, [(2, "é=1"), (7, "controller(max_len=4,x=5)"), (33, "b")]);
    }
}
