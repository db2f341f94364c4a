package emulator

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// pack writes the fields that hold something as a flat JSON object.
func pack(fields map[string]any) (string, error) {
	m := make(map[string]any, len(fields))
	for k, v := range fields {
		if v != nil && k != "Id" && k != "IsDeleted" {
			m[k] = v
		}
	}
	b, err := json.Marshal(m)
	return string(b), err
}

var errBody = errors.New("the row is not a flat JSON object")

// unpack reads what pack wrote. A query without an index reads every row, so the texts are parts of the body instead of
// copies; encoding/json takes five times as long.
func unpack(o *object, body string) (map[string]any, error) {
	fields := make(map[string]any, 1+strings.Count(body, ":")/2)
	rest, ok := strings.CutPrefix(body, "{")
	for ok && rest != "}" {
		var key, raw string
		if key, rest, ok = cutText(rest); !ok {
			break
		}
		if rest, ok = strings.CutPrefix(rest, ":"); !ok {
			break
		}
		var v any
		if strings.HasPrefix(rest, `"`) {
			var text string
			if text, rest, ok = cutText(rest); !ok {
				break
			}
			v = text
		} else {
			end := strings.IndexAny(rest, ",}")
			if end < 0 {
				return nil, errBody
			}
			raw, rest = rest[:end], rest[end:]
			var err error
			if v, err = scalar(o, key, raw); err != nil {
				return nil, err
			}
		}
		fields[key] = v
		rest = strings.TrimPrefix(rest, ",")
	}
	if !ok {
		return nil, errBody
	}
	return fields, nil
}

// cutText takes a JSON string off the front.
func cutText(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", s, false
	}
	escaped := false
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			if !escaped {
				return s[1:i], s[i+1:], true
			}
			err := json.Unmarshal([]byte(s[:i+1]), &text)
			return text, s[i+1:], err == nil
		}
	}
	return "", s, false
}

// scalar reads a value that is no text; a number gets the kind of its field.
func scalar(o *object, key, raw string) (any, error) {
	switch raw {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	x, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return nil, errBody
	}
	if f := o.field(key); f != nil && f.kind == "int" {
		return int64(x), nil
	}
	return x, nil
}
