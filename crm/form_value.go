package crm

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// maxValue is the longest value of a form: Salesforce's longest text area.
const maxValue = 128 << 10

// locale is how the agent writes numbers and days.
type locale struct {
	decimal, group string
	dayFirst       bool // 21.11.2026, 21/11/2026; else 11/21/2026
}

// commaLocales are the languages that write 1.234,56. Countries that differ from their language follow.
var (
	commaLocales = []string{"de", "fr", "es", "it", "nl", "pt", "pl", "ru", "sv", "da", "nb", "no", "nn", "fi", "cs", "sk", "sl", "hr", "hu", "ro", "bg", "el", "tr", "uk", "in", "id", "vi", "sr", "lt", "lv", "et", "ca", "is"}
	pointPlaces  = []string{"de_CH", "de_LI", "it_CH", "es_MX", "es_US", "es_PR", "es_GT", "es_HN", "es_NI", "es_PA", "es_PE", "es_SV", "es_DO"}
	monthFirst   = []string{"en_US", "es_US", "en_PH", "es_PR"}
)

func localeOf(name string) locale {
	name, _, _ = strings.Cut(strings.ReplaceAll(name, "-", "_"), ".")
	lang, _, _ := strings.Cut(name, "_")
	l := locale{decimal: ".", group: ",", dayFirst: name != "" && !slices.Contains(monthFirst, name)}
	if slices.Contains(commaLocales, strings.ToLower(lang)) && !slices.Contains(pointPlaces, name) {
		l.decimal, l.group = ",", "."
	}
	return l
}

func (d *Directory) locale() locale {
	if d.set.Locale == nil {
		return locale{decimal: ".", group: ",", dayFirst: true}
	}
	return localeOf(d.set.Locale())
}

// hint shows how a value of a type is written; "" where that is plain.
func (d *Directory) hint(kind string) string {
	l := d.locale()
	switch kind {
	case "double", "currency":
		return "1234" + l.decimal + "56"
	case "percent":
		return "12" + l.decimal + "5"
	case "int", "long":
		return "a whole number"
	case "date":
		return "2026-11-21, today, +7"
	case "datetime":
		return "2026-11-21 14:30"
	case "time":
		return "14:30"
	case "multipicklist":
		return "space takes one, or takes it off"
	}
	return ""
}

// number reads a number as the agent writes it. Digits may be grouped as the locale groups them; anything that could be read in two
// ways is refused.
func (l locale) number(v string) (json.Number, error) {
	bad := fmt.Errorf("not a number: write 1234%s56", l.decimal)
	s := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\'', r == '’':
			return -1
		case r == '−':
			return '-'
		}
		return r
	}, v)
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	} else {
		s = strings.TrimPrefix(s, "+")
	}
	whole, frac, fraction := strings.Cut(s, l.decimal)
	if groups := strings.Split(whole, l.group); len(groups) > 1 {
		for i, g := range groups {
			if i > 0 && len(g) != 3 || i == 0 && (g == "" || len(g) > 3) {
				return "", bad
			}
		}
		whole = strings.Join(groups, "")
	}
	if whole == "" && frac != "" {
		whole = "0"
	}
	if whole == "" || strings.Trim(whole, "0123456789") != "" || strings.Trim(frac, "0123456789") != "" || fraction && frac == "" || len(whole)+len(frac) > 40 {
		return "", bad
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	out := sign + whole
	if frac != "" {
		out += "." + frac
	}
	return json.Number(out), nil
}

// date reads a day: 2026-11-21, as the locale writes it, today, tomorrow, or +7 for so many days from now.
func (l locale) date(v string, now time.Time) (time.Time, error) {
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch strings.ToLower(v) {
	case "today":
		return day, nil
	case "tomorrow":
		return day.AddDate(0, 0, 1), nil
	case "yesterday":
		return day.AddDate(0, 0, -1), nil
	}
	var n int
	if _, err := fmt.Sscanf(v, "+%d", &n); err == nil && v == fmt.Sprintf("+%d", n) && n >= 0 && n <= 3660 {
		return day.AddDate(0, 0, n), nil
	}
	layouts := []string{time.DateOnly, "2.1.2006", "2006/1/2"}
	if l.dayFirst {
		layouts = append(layouts, "2/1/2006")
	} else {
		layouts = append(layouts, "1/2/2006")
	}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, v, now.Location()); err == nil && t.Year() >= 1700 && t.Year() <= 4000 { // Salesforce's years
			return t, nil
		}
	}
	return time.Time{}, errors.New("not a day: write it as " + day.Format(time.DateOnly) + ", today, tomorrow or +7")
}

func timeOfDay(v string) (time.Time, error) {
	for _, layout := range []string{"15:04", "15:04:05", "15.04", "3:04pm", "3:04 pm", "3pm", "15"} {
		if t, err := time.Parse(layout, strings.ToLower(v)); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("not a time of day: write it as 14:30")
}

// jsonValue makes what Salesforce takes of what was typed. The error is for the person.
func (d *Directory) jsonValue(f salesforce.Field, v string) (any, error) {
	l, now := d.locale(), d.set.Now().In(d.set.Zone())
	switch f.Type {
	case "boolean":
		switch strings.ToLower(v) {
		case "yes", "true", "y", "1", "on":
			return true, nil
		case "no", "false", "n", "0", "off":
			return false, nil
		}
		return nil, errors.New("yes or no")
	case "int", "long", "double", "currency", "percent":
		if f.Type == "currency" {
			v = strings.TrimFunc(v, func(r rune) bool { return unicode.Is(unicode.Sc, r) || unicode.IsSpace(r) })
		}
		if f.Type == "percent" {
			v = strings.TrimSuffix(strings.TrimSpace(v), "%")
		}
		n, err := l.number(v)
		if err != nil {
			return nil, err
		}
		whole, frac, _ := strings.Cut(strings.TrimPrefix(n.String(), "-"), ".")
		room := f.Precision - f.Scale
		if f.Type == "int" || f.Type == "long" {
			if strings.Trim(frac, "0") != "" {
				return nil, errors.New("a whole number is needed")
			}
			room, n = f.Digits, json.Number(strings.TrimSuffix(n.String(), "."+frac))
		}
		if room > 0 && len(whole) > room {
			return nil, fmt.Errorf("too large: at most %d digits before the point", room)
		}
		return n, nil
	case "date":
		t, err := l.date(v, now)
		if err != nil {
			return nil, err
		}
		return t.Format(time.DateOnly), nil
	case "datetime":
		day, at, _ := strings.Cut(v, " ")
		t, err := l.date(day, now)
		if err != nil {
			return nil, errors.New("not a day and time: write it as " + now.Format("2006-01-02") + " 14:30")
		}
		c := time.Time{}
		if at = strings.TrimSpace(at); at != "" {
			if c, err = timeOfDay(at); err != nil {
				return nil, err
			}
		}
		t = time.Date(t.Year(), t.Month(), t.Day(), c.Hour(), c.Minute(), c.Second(), 0, t.Location())
		return t.UTC().Format(salesforce.TimeLayout), nil
	case "time":
		t, err := timeOfDay(v)
		if err != nil {
			return nil, err
		}
		return t.Format("15:04:05.000Z"), nil
	case "textarea":
		return text.CleanBlock(v, maxValue).String(), nil
	case "email":
		at := strings.LastIndexByte(v, '@')
		if at <= 0 || at == len(v)-1 || strings.ContainsFunc(v, unicode.IsSpace) {
			return nil, errors.New("not an e-mail address: write it as name@example.com")
		}
	case "reference":
		if !salesforce.ValidID(v) {
			return nil, errors.New("choose a record: type the beginning of its name")
		}
	}
	return text.Clean(v).String(), nil
}

// shownValue is a value of Salesforce as a form has it.
func (d *Directory) shownValue(f salesforce.Field, v any) string {
	s := salesforce.Record{"v": v}.Str("v")
	switch f.Type {
	case "boolean":
		b, _ := v.(bool)
		return boolText(b)
	case "double", "currency", "percent":
		return strings.Replace(s, ".", d.locale().decimal, 1)
	case "datetime":
		return d.dateText(f.Type, s)
	case "time":
		if len(s) >= 5 {
			return s[:5]
		}
	}
	return s
}
