package emulator

import "strings"

// glob is a pattern of literal runes and two wildcards, already in lower case.
type glob []globRune

type globRune struct {
	r    rune
	wild byte // 0: the rune itself, 1: any one rune, '*': any number of runes
}

// likePattern reads a LIKE operand: % and _ are wildcards unless a backslash stands before them.
func likePattern(s string) glob {
	var g glob
	escaped := false
	for _, r := range strings.ToLower(s) {
		switch {
		case escaped:
			g = append(g, globRune{r: r})
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			g = append(g, globRune{wild: '*'})
		case r == '_':
			g = append(g, globRune{wild: 1})
		default:
			g = append(g, globRune{r: r})
		}
	}
	return g
}

// searchPattern reads a SOSL term: * and ? are wildcards.
func searchPattern(s string) glob {
	var g glob
	for _, r := range strings.ToLower(s) {
		switch r {
		case '*':
			g = append(g, globRune{wild: '*'})
		case '?':
			g = append(g, globRune{wild: 1})
		default:
			g = append(g, globRune{r: r})
		}
	}
	return g
}

// match compares with a lower-case text, without recursion: at most pattern × text steps.
func (g glob) match(s string) bool {
	text := []rune(s)
	i, j, star, mark := 0, 0, -1, 0
	for j < len(text) {
		switch {
		case i < len(g) && g[i].wild == '*':
			star, mark = i, j
			i++
		case i < len(g) && (g[i].wild == 1 || g[i].wild == 0 && g[i].r == text[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(g) && g[i].wild == '*' {
		i++
	}
	return i == len(g)
}

// prefix is the text that everything the pattern matches begins with.
func (g glob) prefix() string {
	var b strings.Builder
	for _, e := range g {
		if e.wild != 0 {
			break
		}
		b.WriteRune(e.r)
	}
	return b.String()
}
