// Package text is the type that untrusted text becomes when it enters offhook.
//
// Caller names, SIP headers, Salesforce values, bus messages and file contents come from strangers. They
// are cleaned once, where they enter, into a Text; only a Text may be shown, logged, put in a window title
// or a notification, or sent on. The package never decides what a text means and never talks to anyone.
package text

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/text/unicode/norm"
)

// MaxRaw is how many bytes of a raw value Clean looks at; the rest is cut off before any work is done,
// because a SIP header may be kilobytes long.
const MaxRaw = 4096

// Text is one line of cleaned text: valid UTF-8 in NFC without control characters, escape sequences,
// bidirectional overrides, zero-width characters or line breaks. The zero value is the empty text. Texts are
// comparable. In JSON a Text is a string, and is cleaned again when it is read.
type Text struct{ s string }

// Clean makes a Text of a raw value from outside.
func Clean(raw string) Text {
	raw = cut(raw, MaxRaw)
	if plain(raw) {
		return Text{strings.TrimSpace(raw)}
	}
	return Text{strings.TrimSpace(norm.NFC.String(scrub(raw, false)))}
}

// cut takes the first n bytes, and no half character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// plain reports the common case: printable ASCII, which needs no work.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func scrub(raw string, keepLines bool) string {
	s := strings.ToValidUTF8(raw, "\uFFFD")
	if keepLines {
		s = strings.ReplaceAll(s, "\r\n", "\n")
	}
	s = norm.NFC.String(ansi.Strip(s)) // before marks are counted: some characters are two marks in one
	marks := 0
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && keepLines:
			marks = 0
			return r
		case r == '\t', r == '\n', r == '\r', r == 0x85, r == 0x2028, r == 0x2029:
			marks = 0
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), // bidi, zero width, tags, BOM, soft hyphen
			r == 0x3164, r == 0xFFA0, r == 0x115F, r == 0x1160: // Hangul fillers are blank
			return -1
		case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r):
			if marks++; marks > 2 { // stacked marks climb over the neighbouring lines
				return -1
			}
			return r
		}
		marks = 0
		return r
	}, s)
}

// String returns the cleaned text.
func (t Text) String() string { return t.s }

// Empty reports whether nothing is left.
func (t Text) Empty() bool { return t.s == "" }

// Or returns t, or other when t is empty.
func (t Text) Or(other Text) Text {
	if t.s == "" {
		return other
	}
	return t
}

// Width is the number of terminal cells the text takes.
func (t Text) Width() int { return ansi.StringWidth(t.s) }

// Truncate shortens the text to at most width cells, ending in … when something was cut.
func (t Text) Truncate(width int) Text { return Text{ansi.Truncate(t.s, width, "…")} }

// Runes shortens the text to at most n characters without a mark, for fields with a length limit.
func (t Text) Runes(n int) Text {
	r := []rune(t.s)
	if len(r) <= n {
		return t
	}
	return Text{strings.TrimSpace(string(r[:n]))}
}

// MarshalJSON writes the text as a JSON string.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.s) }

// UnmarshalJSON reads a JSON string and cleans it.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = Clean(s)
	return nil
}

// Block is cleaned text that may have several lines, such as an agent's notes. It is otherwise like Text.
type Block struct{ s string }

// CleanBlock makes a Block of a raw value; n limits its length in bytes before cleaning.
func CleanBlock(raw string, n int) Block {
	raw = cut(raw, n)
	return Block{strings.TrimRightFunc(norm.NFC.String(scrub(raw, true)), unicode.IsSpace)}
}

// String returns the cleaned lines, separated by \n.
func (b Block) String() string { return b.s }

// Empty reports whether nothing is left.
func (b Block) Empty() bool { return b.s == "" }

// Lines returns the lines as Texts.
func (b Block) Lines() []Text {
	if b.s == "" {
		return nil
	}
	var out []Text
	for line := range strings.SplitSeq(b.s, "\n") {
		out = append(out, Text{line})
	}
	return out
}

// MarshalJSON writes the block as a JSON string.
func (b Block) MarshalJSON() ([]byte, error) { return json.Marshal(b.s) }

// UnmarshalJSON reads a JSON string and cleans it.
func (b *Block) UnmarshalJSON(p []byte) error {
	var s string
	if err := json.Unmarshal(p, &s); err != nil {
		return err
	}
	*b = CleanBlock(s, 128<<10)
	return nil
}
