package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

// apiReply is the refusal that an api_error fault asks for. The REST API answers with an array; some of its front ends with one
// object or with XML.
func (f *Fault) apiReply() *reply {
	e := &apiError{Status: f.Status, Code: f.Code, Message: f.Message, Fields: []string{}}
	if e.Status < 300 || e.Status > 599 {
		e.Status = http.StatusBadRequest
	}
	if e.Message == "" {
		e.Message = f.Code
	}
	if f.Field != "" {
		e.Fields = append(e.Fields, f.Field)
	}
	switch f.Format {
	case "object":
		return &reply{status: e.Status, body: e.item("errorCode")}
	case "xml":
		return &reply{status: e.Status, body: text{"application/xml;charset=UTF-8", `<?xml version="1.0" encoding="UTF-8"?><Errors><Error>` +
			element("errorCode", e.Code) + element("message", e.Message) + `</Error></Errors>`}}
	}
	return errorReply(e)
}

// oauthReply is the refusal that an oauth_error fault asks for: a redirect with the error from the authorize page, form-encoded from
// revoke, JSON from the token endpoint.
func (f *Fault) oauthReply(r *http.Request, path string) *reply {
	values := url.Values{"error": {f.Code}, "error_description": {f.Message}}
	status := f.Status
	if status < 300 || status > 599 {
		status = http.StatusBadRequest
	}
	switch {
	case strings.HasSuffix(path, "/authorize"):
		u, err := url.Parse(r.URL.Query().Get("redirect_uri"))
		if err != nil {
			return shown(f.Code, f.Message)
		}
		if state := r.URL.Query().Get("state"); state != "" {
			values.Set("state", state)
		}
		u.RawQuery = values.Encode()
		return &reply{status: http.StatusFound, header: http.Header{"Location": {u.String()}}}
	case strings.HasSuffix(path, "/revoke"):
		return &reply{status: status, body: text{"application/x-www-form-urlencoded", values.Encode()}}
	}
	return oauthError(status, f.Code, f.Message)
}
