package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// apiError is one refusal as the REST API words it: an errorCode, a message, the fields it is about.
type apiError struct {
	Status  int
	Code    string
	Message string
	Fields  []string
	Extra   map[string]any // further keys of the error object (duplicateResut)
	Allow   []string       // the methods that a 405 allows
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

// item is the error as an element of a REST error array; collections call the code statusCode.
func (e *apiError) item(codeKey string) map[string]any {
	m := map[string]any{"message": e.Message, codeKey: e.Code}
	if e.Fields != nil || codeKey == "statusCode" {
		fields := e.Fields
		if fields == nil {
			fields = []string{}
		}
		m["fields"] = fields
	}
	for k, v := range e.Extra {
		m[k] = v
	}
	return m
}

func fail(status int, code, format string, args ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// badField is a 400 about fields: the array of names is always there, as in a real reply.
func badField(code, message string, fields ...string) *apiError {
	if fields == nil {
		fields = []string{}
	}
	return &apiError{Status: http.StatusBadRequest, Code: code, Message: message, Fields: fields}
}

func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return fail(http.StatusInternalServerError, "UNKNOWN_EXCEPTION", "%s", err)
}

func errNotFound() *apiError {
	return fail(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

func errSession() *apiError {
	return fail(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
}

func errMethod(method string, allowed ...string) *apiError {
	e := fail(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '%s' not allowed. Allowed are %s", method, strings.Join(allowed, ","))
	e.Allow = allowed
	return e
}

func errNoColumn(field, object string) *apiError {
	return badField("INVALID_FIELD", fmt.Sprintf("No such column '%s' on sobject of type %s", field, object))
}

func errDeleted() *apiError {
	return &apiError{Status: http.StatusNotFound, Code: "ENTITY_IS_DELETED", Message: "entity is deleted", Fields: []string{}}
}
