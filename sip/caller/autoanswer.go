package caller

import (
	"strconv"
	"strings"
	"time"

	"offhook/sip/transaction"
)

// maxAnswerAfter is how long a call may be said to ring before it answers itself; a longer one is a mistake.
const maxAnswerAfter = time.Minute

// ReadAutoAnswer reads whether a call asks to be answered without the agent: Answer-Mode and Priv-Answer-Mode (RFC 5373), then what
// exchanges use without a standard, answer-after in Call-Info and alert-autoanswer in Alert-Info. allowed tells that the
// account permits it for this source. From is empty when nothing asks, or it is not allowed. reject is the status that a call
// must be refused with because it demands what is not given (RFC 5373 §4.2), 0 for none: it must not ring then.
func ReadAutoAnswer(req *transaction.Request, allowed bool) (auto AutoAnswer, reject int) {
	for _, name := range []string{"Priv-Answer-Mode", "Answer-Mode"} {
		mode, required, ok := answerMode(req.Headers, name)
		switch {
		case !ok:
		case mode == "auto" && allowed:
			return AutoAnswer{From: name, Privileged: name == "Priv-Answer-Mode"}, 0
		case mode == "manual":
			return AutoAnswer{}, 0 // and whatever else the call says, a person is to answer it
		case required:
			return AutoAnswer{}, 403
		}
	}
	if !allowed {
		return AutoAnswer{}, 0
	}
	for _, v := range req.Headers.Values("Call-Info") {
		if after, ok := answerAfter(infoParams(v), "answer-after"); ok {
			return AutoAnswer{After: after, From: "Call-Info"}, 0
		}
	}
	for _, v := range req.Headers.Values("Alert-Info") {
		params := infoParams(v)
		info, _ := params.Get("info")
		if !asksByAlert(info) && !asksByAlert(v) && !params.Has("alert-autoanswer") {
			continue
		}
		after, ok := answerAfter(params, "delay")
		if !ok && params.Has("delay") {
			continue
		}
		return AutoAnswer{After: after, From: "Alert-Info"}, 0
	}
	return AutoAnswer{}, 0
}

// answerMode reads "Auto;require".
func answerMode(h transaction.Headers, name string) (mode string, required, ok bool) {
	if !h.Has(name) {
		return "", false, false
	}
	mode, rest, _ := strings.Cut(h.Get(name), ";")
	params, _ := transaction.ParseParams(rest)
	return strings.ToLower(strings.TrimSpace(mode)), params.Has("require"), true
}

// infoParams are the parameters of "<uri>;a=b", of "uri;a=b", and of what some exchanges write without a URI.
func infoParams(v string) transaction.Params {
	v = strings.TrimSpace(v)
	if strings.HasPrefix(v, "<") {
		_, v, _ = strings.Cut(v, ">")
	} else if first, rest, ok := strings.Cut(v, ";"); ok && !strings.Contains(first, "=") {
		v = rest
	}
	params, _ := transaction.ParseParams(v)
	return params
}

// answerAfter reads a number of seconds, whole or with a fraction.
func answerAfter(params transaction.Params, name string) (time.Duration, bool) {
	v, ok := params.Get(name)
	if !ok {
		return 0, false
	}
	v = strings.TrimSpace(v)
	if v == "" || len(v) > 8 || strings.Trim(v, "0123456789.") != "" {
		return 0, false
	}
	s, err := strconv.ParseFloat(v, 64)
	after := time.Duration(s * float64(time.Second))
	return after, err == nil && after >= 0 && after <= maxAnswerAfter
}

// asksByAlert knows the words that telephones take for it: Polycom's and Yealink's besides the common one.
func asksByAlert(s string) bool {
	switch strings.ToLower(strings.Trim(strings.TrimSpace(s), `"<>`)) {
	case "alert-autoanswer", "auto answer", "auto-answer", "autoanswer", "ring answer", "ringanswer", "ring-answer", "intercom":
		return true
	}
	return false
}
