package crm

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"offhook/crm/salesforce"
)

// SameField compares two values of a field, one of which may come from Salesforce.
func SameField(name string, a, b any) bool {
	if a == nil || b == nil || a == "" || b == "" {
		return (a == nil || a == "") && (b == nil || b == "")
	}
	x, y := fmt.Sprint(a), fmt.Sprint(b)
	if n, ok := numeric(a); ok {
		m, ok := numeric(b)
		return ok && math.Abs(n-m) < 1e-9
	}
	if strings.HasSuffix(name, "Id") && salesforce.ValidID(x) {
		return SameID(x, y)
	}
	if t, ok := moments(x); ok {
		u, ok := moments(y)
		return ok && t.Equal(u)
	}
	return asKept(x) == asKept(y)
}

// asKept is text as it is compared: Salesforce keeps other line ends and trims.
func asKept(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		n, err := strconv.ParseFloat(v.String(), 64)
		return n, err == nil
	}
	return 0, false
}

func moments(s string) (time.Time, bool) {
	for _, layout := range []string{salesforce.TimeLayout, "2006-01-02T15:04:05.000-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
