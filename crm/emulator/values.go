package emulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	momentLayout = "2006-01-02T15:04:05.000-0700" // as the API writes a dateTime
	dayLayout    = "2006-01-02"
)

func formatMoment(t time.Time) string { return t.UTC().Format(momentLayout) }

// parseMoment reads the dateTime forms that the API accepts.
func parseMoment(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02T15:04:05.999999999Z07:00", momentLayout, "2006-01-02T15:04:05-0700", "2006-01-02T15:04Z07:00", dayLayout} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func errParse(kind, got string) *apiError {
	return fail(http.StatusBadRequest, "JSON_PARSER_ERROR",
		"Cannot deserialize instance of %s from VALUE_STRING value %s or request may be missing a required field", kind, got)
}

// convert turns a JSON value into the field's own kind, with the length and picklist rules of a write.
func (f *field) convert(v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case map[string]any, []any:
		return nil, fail(http.StatusBadRequest, "JSON_PARSER_ERROR", "The value of %s may not be an object or an array", f.name)
	case string:
		x = strings.Trim(strings.ToValidUTF8(x, "\ufffd"), " \t\r\n") // a value in a path may be any bytes
		if x == "" {
			return nil, nil // Salesforce stores an empty text as null
		}
		return f.convertText(x)
	case bool:
		if f.kind != "boolean" {
			return nil, errParse(f.jsonKind(), strconv.FormatBool(x))
		}
		return x, nil
	case int:
		return f.convertText(strconv.Itoa(x))
	case json.Number:
		return f.convertText(x.String())
	case float64:
		return f.convertText(strconv.FormatFloat(x, 'f', -1, 64))
	}
	return nil, fmt.Errorf("unexpected %T for %s", v, f.name)
}

func (f *field) convertText(s string) (any, error) {
	switch f.kind {
	case "boolean":
		switch strings.ToLower(s) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, errParse("boolean", s)
	case "int":
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil {
			x, ferr := strconv.ParseFloat(s, 64)
			if ferr != nil || x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
				return nil, errParse("int", s)
			}
			n = int64(x)
		}
		if n < 0 && strings.HasPrefix(f.name, "Call") {
			return nil, badField("NUMBER_OUTSIDE_VALID_RANGE", fmt.Sprintf("%s: value outside of valid range on numeric field: %s", f.label, s), f.name)
		}
		return n, nil
	case "double", "currency", "percent":
		x, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, errParse("double", s)
		}
		return x, nil
	case "date":
		t, ok := parseMoment(s)
		if !ok {
			return nil, errParse("date", s)
		}
		return t.Format(dayLayout), nil // a dateTime's date is kept as written in UTC
	case "datetime":
		t, ok := parseMoment(s)
		if !ok {
			return nil, errParse("datetime", s)
		}
		return formatMoment(t), nil
	case "reference", "id":
		key, ok := canonicalID(s)
		if !ok {
			return nil, badField("MALFORMED_ID", fmt.Sprintf("%s: id value of incorrect type: %s", f.label, s), f.name)
		}
		return id18(key), nil
	case "email":
		if at := strings.IndexByte(s, '@'); at < 1 || !strings.Contains(s[at:], ".") || strings.ContainsAny(s, " ,") {
			return nil, badField("INVALID_EMAIL_ADDRESS", fmt.Sprintf("%s: invalid email address: %s", f.label, s), f.name)
		}
	case "base64":
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			return nil, errParse("base64Binary", s[:min(len(s), 40)])
		}
	case "multipicklist":
		for part := range strings.SplitSeq(s, ";") {
			if !f.offers(part) { // an unknown value of a multi-select picklist is refused, restricted or not
				return nil, badField("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.label, part), f.name)
			}
		}
	case "picklist":
		if f.restricted && !f.offers(s) {
			return nil, badField("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.label, s), f.name)
		}
	}
	if f.length > 0 && utf8.RuneCountInString(s) > f.length {
		return nil, badField("STRING_TOO_LONG", fmt.Sprintf("%s: data value too large: %s (max length=%d)", f.label, s, f.length), f.name)
	}
	return s, nil
}

func (f *field) offers(v string) bool {
	for _, p := range f.values {
		if p.value == v {
			return true
		}
	}
	return false
}

func (f *field) jsonKind() string {
	switch f.kind {
	case "int", "double", "boolean", "date", "datetime":
		return f.kind
	case "currency", "percent":
		return "double"
	}
	return "string"
}

// soapType is the XML schema type of the describe call.
func (f *field) soapType() string {
	switch f.kind {
	case "id", "reference":
		return "tns:ID"
	case "boolean", "int", "double", "date":
		return "xsd:" + f.kind
	case "datetime":
		return "xsd:dateTime"
	case "currency", "percent":
		return "xsd:double"
	case "base64":
		return "xsd:base64Binary"
	}
	return "xsd:string"
}
