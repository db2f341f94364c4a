package salesforce

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Budget is the org's use of its API calls over 24 hours, from the Sforce-Limit-Info header of the last reply. Max is
// 0 until the first reply.
type Budget struct {
	Used, Max int
}

// Share returns the used part, 0 to 1 and above.
func (b Budget) Share() float64 {
	if b.Max <= 0 {
		return 0
	}
	return float64(b.Used) / float64(b.Max)
}

// Tight reports that 80 % are used: leave out what is not necessary.
func (b Budget) Tight() bool { return b.Share() >= 0.80 }

// Critical reports that 95 % are used: keep the rest for call records.
func (b Budget) Critical() bool { return b.Share() >= 0.95 }

// parseLimit reads "api-usage=10018/100000", alone or among others.
func parseLimit(h string) (Budget, bool) {
	for part := range strings.FieldsFuncSeq(h, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		v, ok := strings.CutPrefix(part, "api-usage=")
		if !ok {
			continue
		}
		u, m, _ := strings.Cut(v, "/")
		used, err1 := strconv.Atoi(u)
		limit, err2 := strconv.Atoi(m)
		if err1 == nil && err2 == nil && used >= 0 && limit > 0 {
			return Budget{used, limit}, true
		}
	}
	return Budget{}, false
}

// retryAfter reads Retry-After in seconds; a date is not worth the trouble, the caller's own back-off applies.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 3600)) * time.Second
}
