package emulator

import (
	"fmt"
	"strings"
)

// The lexer that SOQL and the RETURNING part of SOSL share.

type tokenKind int

const (
	tokEnd    tokenKind = iota
	tokWord             // identifier, keyword, dotted path
	tokText             // quoted, with its escapes still in place
	tokNumber           // number, date or dateTime: whatever starts with a digit or a sign
	tokSign             // ( ) , : and operators
)

type token struct {
	kind tokenKind
	text string
	pos  int
}

func (t token) is(word string) bool {
	return (t.kind == tokWord || t.kind == tokSign) && strings.EqualFold(t.text, word)
}

func wordStart(b byte) bool {
	return b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// lex splits a query into tokens; the last one is tokEnd.
func lex(src string) ([]token, error) {
	var out []token
	for i := 0; i < len(src); {
		b := src[i]
		switch {
		case b == ' ' || b == '\t' || b == '\n' || b == '\r':
			i++
		case wordStart(b):
			j := i + 1
			for j < len(src) && (wordStart(src[j]) || digit(src[j]) || src[j] == '.') {
				j++
			}
			out = append(out, token{tokWord, src[i:j], i})
			i = j
		case digit(b) || (b == '-' || b == '+') && i+1 < len(src) && digit(src[i+1]):
			j := i + 1
			for j < len(src) && (wordStart(src[j]) || digit(src[j]) || strings.IndexByte(":.+-", src[j]) >= 0) {
				j++
			}
			out = append(out, token{tokNumber, src[i:j], i})
			i = j
		case b == '\'':
			j := i + 1
			for j < len(src) && src[j] != '\'' {
				if src[j] == '\\' {
					j++
				}
				j++
			}
			if j >= len(src) {
				return nil, malformed(src, i, "Bind variables only allowed in Apex code or an unterminated string literal")
			}
			out = append(out, token{tokText, src[i+1 : j], i})
			i = j + 1
		case strings.IndexByte("(),:=", b) >= 0:
			out = append(out, token{tokSign, src[i : i+1], i})
			i++
		case strings.IndexByte("<>!", b) >= 0:
			j := i + 1
			if j < len(src) && (src[j] == '=' || b == '<' && src[j] == '>') {
				j++
			}
			if src[i:j] == "!" {
				return nil, malformed(src, i, "unexpected token: '!'")
			}
			out = append(out, token{tokSign, src[i:j], i})
			i = j
		default:
			return nil, malformed(src, i, fmt.Sprintf("unexpected char: 0x%X", b))
		}
	}
	return append(out, token{tokEnd, "<EOF>", len(src)}), nil
}

// unquote resolves the escapes of a string literal. For LIKE, \% and \_ stay escaped.
func unquote(raw string, like bool) (string, error) {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw, nil
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		i++ // the lexer has seen that something follows
		switch raw[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		case 'r', 'R':
			b.WriteByte('\r')
		case 't', 'T':
			b.WriteByte('\t')
		case 'b', 'B':
			b.WriteByte('\b')
		case 'f', 'F':
			b.WriteByte('\f')
		case '\\':
			b.WriteByte('\\')
			if like {
				b.WriteByte('\\')
			}
		case '\'', '"':
			b.WriteByte(raw[i])
		case '%', '_':
			if !like {
				return "", fmt.Errorf("Invalid string literal '%s'. Illegal character sequence '\\%c' in string literal.", raw, raw[i])
			}
			b.WriteByte('\\')
			b.WriteByte(raw[i])
		default:
			return "", fmt.Errorf("Invalid string literal '%s'. Illegal character sequence '\\%c' in string literal.", raw, raw[i])
		}
	}
	return b.String(), nil
}

// at words an error with its place in the query, as Salesforce does.
func at(src string, pos int, message string) string {
	pos = min(pos, len(src))
	row, col := 1, 1
	start := 0
	for i := range pos {
		if col++; src[i] == '\n' {
			row, col, start = row+1, 1, i+1
		}
	}
	line, _, _ := strings.Cut(src[start:], "\n")
	if len(line) > 200 {
		cut := max(0, col-100)
		line = line[min(cut, len(line)):]
		line = line[:min(len(line), 200)]
	}
	return fmt.Sprintf("\n%s\n%s^\nERROR at Row:%d:Column:%d\n%s", line, strings.Repeat(" ", min(col-1, 200)), row, col, message)
}

func malformed(src string, pos int, message string) *apiError {
	return fail(400, "MALFORMED_QUERY", "%s", at(src, pos, message))
}
