package salesforce

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"offhook/internal/text"
)

// ErrorItem is one complaint of a reply. Collections call the code statusCode, everything else errorCode.
type ErrorItem struct {
	Code    string   `json:"errorCode"`
	Message string   `json:"message"`
	Fields  []string `json:"fields"`
}

// APIError is a reply of Salesforce that is not a success. The first complaint is in Code, Message and Fields.
type APIError struct {
	Status     int // HTTP status; 0 for an element of a collection
	Code       string
	Message    string
	Fields     []string
	All        []ErrorItem
	Method     string
	Path       string
	RetryAfter time.Duration
	Duplicates *Duplicates // for DUPLICATES_DETECTED
	Choices    []string    // for 300: URLs of the records that share the external id
}

func (e *APIError) Error() string {
	s := "Salesforce refused " + e.Method + " " + e.Path + ":"
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Status != 0 {
		s += fmt.Sprintf(" (%d)", e.Status)
	}
	if e.Message != "" {
		s += " " + e.Message
	}
	return s
}

// Has reports whether any complaint of the reply carries the code.
func (e *APIError) Has(code string) bool {
	for _, it := range e.All {
		if it.Code == code {
			return true
		}
	}
	return e.Code == code
}

var (
	existingID  = regexp.MustCompile(`record with id: ([A-Za-z0-9]{15,18})`)
	duplicateOf = regexp.MustCompile(`duplicate value found: ([A-Za-z][A-Za-z0-9_]*) duplicates`)
	entityNamed = regexp.MustCompile(`on (?:entity|sobject of type) '?([A-Za-z0-9_]+)`)
	columnNamed = regexp.MustCompile(`No such column '([A-Za-z0-9_.]+)'`)
	fieldNamed  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*): `)
	fieldList   = regexp.MustCompile(`\[([A-Za-z0-9_, ]+)\]\s*$`)
	typeNamed   = regexp.MustCompile(`sObject type '([A-Za-z0-9_]+)'`)
)

// ExistingID returns the id of the record that already holds the value, for DUPLICATE_VALUE ("duplicate value found:
// X__c duplicates value on record with id: 001…").
func (e *APIError) ExistingID() string {
	for _, it := range e.All {
		if m := existingID.FindStringSubmatch(it.Message); m != nil && it.Code == "DUPLICATE_VALUE" {
			return m[1]
		}
	}
	return ""
}

// DuplicateField returns the field whose value exists already, for DUPLICATE_VALUE; "" when Salesforce does not say
// ("<unknown> duplicates value on record with id: <unknown>", while the other write is under way).
func (e *APIError) DuplicateField() string {
	for _, it := range e.All {
		if m := duplicateOf.FindStringSubmatch(it.Message); m != nil && it.Code == "DUPLICATE_VALUE" {
			return m[1]
		}
	}
	return ""
}

// NamedFields returns the fields that the complaint is about: its list, or the names inside its message.
func (e *APIError) NamedFields() []string {
	var out []string
	seen := map[string]bool{}
	add := func(names ...string) {
		for _, n := range names {
			if n = strings.TrimSpace(n); n != "" && !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	for _, it := range e.All {
		add(it.Fields...)
		if len(it.Fields) > 0 {
			continue
		}
		if m := columnNamed.FindStringSubmatch(it.Message); m != nil {
			add(m[1])
		} else if m := fieldNamed.FindStringSubmatch(it.Message); m != nil {
			add(m[1])
		} else if m := fieldList.FindStringSubmatch(it.Message); m != nil {
			add(strings.Split(m[1], ",")...)
		}
	}
	return out
}

// NamedType returns the object that an INVALID_TYPE or INVALID_FIELD complaint is about, or "".
func (e *APIError) NamedType() string {
	for _, re := range []*regexp.Regexp{typeNamed, entityNamed} {
		if m := re.FindStringSubmatch(e.Message); m != nil {
			return m[1]
		}
	}
	return ""
}

// AuthError is a refusal by the OAuth endpoints: nothing can be done before a person signs in again or an
// administrator changes something.
type AuthError struct {
	Code        string // invalid_grant, invalid_client, …
	Description string
	Status      int
	Grant       string // which way of signing in was refused: GrantCode, …
}

// rate reports that the user signed in too often: a pause helps, a person does not.
func (e *AuthError) rate() bool {
	said := strings.ToLower(e.Code + " " + e.Description)
	return strings.Contains(said, "rate_limit_exceeded") || strings.Contains(said, "login_rate_exceeded") ||
		strings.Contains(said, "login rate exceeded") || strings.Contains(said, "number of logins exceeded")
}

func (e *AuthError) Error() string {
	s := "sign-in refused: " + e.Code
	if e.Description != "" {
		s += " (" + e.Description + ")"
	}
	return s
}

// ErrNoToken says that nobody has signed in yet, or that the token was revoked.
var ErrNoToken = errors.New("not signed in to Salesforce: run offhook login")

// ErrOtherOrg says that the kept sign-in is of another login_url or client_id than the settings name: it is not used, because
// records would go to the wrong org.
var ErrOtherOrg = fmt.Errorf("the kept sign-in belongs to another login_url or client_id than the settings name (%w)", ErrNoToken)

// TransportError is a request without a reply. MayHaveArrived tells whether Salesforce could have carried it out.
type TransportError struct {
	Method, Path   string
	MayHaveArrived bool
	Foreign        bool // an answer came, and it is nothing that Salesforce sends
	Err            error
}

func (e *TransportError) Error() string {
	return "no reply from Salesforce to " + e.Method + " " + e.Path + ": " + e.Err.Error()
}

func (e *TransportError) Unwrap() error { return e.Err }

// badToken is the whole body of the 403 with which /services/oauth2/userinfo answers an expired session.
const badToken = "Bad_OAuth_Token"

// parseError reads an error reply: an array (the REST API), one object (OAuth, some gateways), XML (SOAP-style
// faults), or HTML and plain text from something in between.
func parseError(method, path string, status int, header http.Header, body []byte) *APIError {
	e := &APIError{Status: status, Method: method, Path: path, RetryAfter: retryAfter(header)}
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		e.Message = http.StatusText(status)
	case status == http.StatusMultipleChoices && json.Unmarshal(trimmed, &e.Choices) == nil:
		e.Code, e.Message = "MULTIPLE_CHOICES", "several records carry this external id"
	case trimmed[0] == '[':
		e.readArray(trimmed)
	case trimmed[0] == '{':
		e.readObject(trimmed)
	case trimmed[0] == '<':
		e.readMarkup(trimmed)
	case string(trimmed) == badToken:
		e.Code, e.Message = badToken, "Session expired or invalid"
	default:
		e.Message = clip(string(trimmed))
	}
	if len(e.All) == 0 && (e.Code != "" || e.Message != "") {
		e.All = []ErrorItem{{Code: e.Code, Message: e.Message, Fields: e.Fields}}
	}
	if len(e.All) > 0 {
		e.Code, e.Message, e.Fields = e.All[0].Code, e.All[0].Message, e.All[0].Fields
	}
	return e
}

type wireError struct {
	ErrorCode   string   `json:"errorCode"`
	StatusCode  string   `json:"statusCode"`
	Error       string   `json:"error"`
	Message     string   `json:"message"`
	Description string   `json:"error_description"`
	Fields      []string `json:"fields"`
	// The key is really spelt duplicateResut by most versions, duplicateResult by some.
	Resut  *Duplicates `json:"duplicateResut"`
	Result *Duplicates `json:"duplicateResult"`
}

func (w wireError) item() ErrorItem {
	it := ErrorItem{Code: w.ErrorCode, Message: clip(w.Message), Fields: w.Fields}
	if it.Code == "" {
		it.Code = w.StatusCode
	}
	if it.Code == "" {
		it.Code = w.Error
	}
	if it.Message == "" {
		it.Message = clip(w.Description)
	}
	return it
}

func (e *APIError) add(w wireError) {
	e.All = append(e.All, w.item())
	if w.Resut != nil {
		e.Duplicates = w.Resut
	}
	if w.Result != nil {
		e.Duplicates = w.Result
	}
}

func (e *APIError) readArray(b []byte) {
	var list []wireError
	if json.Unmarshal(b, &list) != nil {
		e.Message = clip(string(b))
		return
	}
	for _, w := range list {
		e.add(w)
	}
}

func (e *APIError) readObject(b []byte) {
	var w struct {
		wireError
		Errors []wireError `json:"errors"` // a save result that failed
	}
	if json.Unmarshal(b, &w) != nil {
		e.Message = clip(string(b))
		return
	}
	if len(w.Errors) > 0 {
		for _, x := range w.Errors {
			e.add(x)
		}
		return
	}
	if it := w.item(); it.Code != "" || it.Message != "" {
		e.add(w.wireError)
	}
}

var (
	tags      = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<[^>]*>`)
	titleTag  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
	spaceRuns = regexp.MustCompile(`\s+`)
)

func (e *APIError) readMarkup(b []byte) {
	var x struct {
		Errors []struct {
			Code    string `xml:"errorCode"`
			Message string `xml:"message"`
		} `xml:"Error"`
		Code        string `xml:"exceptionCode"`
		Message     string `xml:"exceptionMessage"`
		FaultCode   string `xml:"Body>Fault>faultcode"`
		FaultString string `xml:"Body>Fault>faultstring"`
	}
	if xml.Unmarshal(b, &x) == nil {
		for _, it := range x.Errors {
			e.All = append(e.All, ErrorItem{Code: it.Code, Message: clip(it.Message)})
		}
		if len(e.All) == 0 && x.Code+x.FaultCode != "" {
			code := x.Code
			if code == "" {
				code = x.FaultCode[strings.LastIndexByte(x.FaultCode, ':')+1:]
			}
			e.All = []ErrorItem{{Code: code, Message: clip(x.Message + x.FaultString)}}
		}
		if len(e.All) > 0 {
			return
		}
	}
	if m := titleTag.FindSubmatch(b); m != nil {
		e.Message = clip("a web page instead of data: " + string(m[1]))
		return
	}
	e.Message = clip("a web page instead of data: " + tags.ReplaceAllString(string(b), " "))
}

// clip makes one clean line of at most 300 characters of whatever came back.
func clip(s string) string {
	return text.Clean(spaceRuns.ReplaceAllString(s, " ")).Runes(300).String()
}

// parseAuthError reads the form-encoded errors of the revoke endpoint, and the object of the token endpoint.
func parseAuthError(status int, body []byte) *AuthError {
	e := &AuthError{Status: status}
	var w wireError
	if json.Unmarshal(body, &w) == nil && w.Error != "" {
		e.Code, e.Description = clip(w.Error), clip(w.Description)
		return e
	}
	if v, err := url.ParseQuery(strings.TrimSpace(string(body))); err == nil && v.Get("error") != "" {
		e.Code, e.Description = clip(v.Get("error")), clip(v.Get("error_description"))
		return e
	}
	api := parseError(http.MethodPost, "/services/oauth2/token", status, nil, body)
	e.Code, e.Description = api.Code, api.Message
	if e.Code == "" {
		e.Code = fmt.Sprintf("HTTP %d", status)
	}
	return e
}
