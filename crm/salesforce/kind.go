package salesforce

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Kind is what an error means for the one who made the request: which of a few reactions is right.
type Kind int

// Kinds of errors, each with its reaction.
const (
	KindNone        Kind = iota // no error
	KindAuth                    // nobody is signed in, or the session cannot be renewed: pause, a person must act
	KindForbidden               // 403: the user may not do this; never refresh
	KindLimit                   // the org's API calls are used up: stop lookups, keep records, back off for long
	KindTransient               // repeat later, with jitter
	KindAmbiguous               // no reply: it may have been carried out; look before repeating
	KindDone                    // DUPLICATE_VALUE: an earlier attempt succeeded
	KindDuplicates              // a duplicate rule objects: a person chooses
	KindField                   // one field is unknown, too long, or not allowed: drop it
	KindValidation              // a rule of the org refuses the values: a person fixes them
	KindReference               // an id of the wrong kind: our who/what mapping is wrong
	KindStale                   // the record is gone, converted, or not ours: resolve again
	KindProgramming             // the query or the request itself is malformed: a defect here
	KindUnlicensed              // the object does not exist in this org: switch the feature off
	KindGone                    // the API version is retired: negotiate again
	KindConflict                // 412: somebody changed the record meanwhile
	KindAddress                 // the address is not Salesforce's: nothing was sent
	KindCanceled                // the caller gave up
	KindUnknown                 // anything else: permanent until a person has looked
)

var kindOfCode = map[string]Kind{
	"INVALID_SESSION_ID":                            KindAuth,
	badToken:                                        KindAuth,
	"INVALID_AUTH_HEADER":                           KindAuth,
	"REQUEST_LIMIT_EXCEEDED":                        KindLimit,
	"UNABLE_TO_LOCK_ROW":                            KindTransient,
	"SERVER_UNAVAILABLE":                            KindTransient,
	"UNKNOWN_EXCEPTION":                             KindTransient,
	"QUERY_TIMEOUT":                                 KindTransient,
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":             KindValidation,
	"REQUIRED_FIELD_MISSING":                        KindValidation,
	"INVALID_EMAIL_ADDRESS":                         KindValidation,
	"INVALID_FIELD":                                 KindField,
	"INVALID_FIELD_FOR_INSERT_UPDATE":               KindField,
	"STRING_TOO_LONG":                               KindField,
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":       KindField,
	"JSON_PARSER_ERROR":                             KindProgramming,
	"FIELD_INTEGRITY_EXCEPTION":                     KindReference,
	"MALFORMED_ID":                                  KindReference,
	"DUPLICATES_DETECTED":                           KindDuplicates,
	"DUPLICATE_VALUE":                               KindDone,
	"ENTITY_IS_DELETED":                             KindStale,
	"NOT_FOUND":                                     KindStale,
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": KindStale,
	"INVALID_CROSS_REFERENCE_KEY":                   KindStale,
	"CANNOT_UPDATE_CONVERTED_LEAD":                  KindStale,
	"INVALID_SEARCH":                                KindProgramming,
	"MALFORMED_SEARCH":                              KindProgramming,
	"MALFORMED_QUERY":                               KindProgramming,
	"INVALID_TYPE":                                  KindUnlicensed,
	"INSUFFICIENT_ACCESS":                           KindForbidden,
	"API_DISABLED_FOR_ORG":                          KindAuth, // not about one record: all of them wait until the API is back
	"API_CURRENTLY_DISABLED":                        KindAuth,
}

// KindOf classifies an error of this package by its documented code first and its HTTP status second.
func KindOf(err error) Kind {
	if err == nil {
		return KindNone
	}
	var (
		api  *APIError
		auth *AuthError
		tr   *TransportError
		host *HostError
	)
	switch {
	case errors.As(err, &host):
		return KindAddress
	case errors.Is(err, ErrNoToken):
		return KindAuth
	case errors.As(err, &auth):
		if auth.Status >= 500 || auth.Status == http.StatusTooManyRequests || auth.rate() {
			return KindTransient // the sign-in server is down or wants a pause: that is no refusal
		}
		return KindAuth
	case errors.As(err, &api):
		return kindOfAPI(api)
	case errors.As(err, &tr):
		if tr.MayHaveArrived && tr.Method != http.MethodGet && tr.Method != http.MethodHead {
			return KindAmbiguous
		}
		return KindTransient
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return KindCanceled
	}
	return KindUnknown
}

func kindOfAPI(e *APIError) Kind {
	for _, it := range e.All {
		if k, ok := kindOfCode[it.Code]; ok {
			// A unique value can be "duplicate" without naming its holder: that is only success with an id.
			if k == KindDone && e.ExistingID() == "" {
				return KindValidation
			}
			return k
		}
	}
	if e.Code == "" && e.Status != http.StatusUnauthorized && e.Status != http.StatusGone && e.Status != http.StatusPreconditionFailed {
		// Salesforce always names a code. This came from something in between (a proxy, a captive portal): it judged nothing.
		return KindTransient
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return KindAuth
	case http.StatusForbidden:
		return KindForbidden
	case http.StatusNotFound:
		return KindStale
	case http.StatusGone:
		return KindGone
	case http.StatusPreconditionFailed:
		return KindConflict
	case http.StatusTooManyRequests, 420, http.StatusRequestTimeout, http.StatusPreconditionRequired:
		return KindTransient
	}
	if e.Status >= 500 {
		return KindTransient
	}
	return KindUnknown
}

// Line says in one line what happened, what it means and what to do, for the person at the desk.
func Line(err error) string {
	var api *APIError
	var auth *AuthError
	errors.As(err, &api)
	errors.As(err, &auth)
	said := ""
	if api != nil {
		said = api.Message
	}
	switch KindOf(err) {
	case KindNone:
		return ""
	case KindAuth:
		return authLine(auth, err)
	case KindForbidden:
		return joinLine("Salesforce does not allow this user to do that", said, "ask your administrator for the permission")
	case KindLimit:
		return "Salesforce's API calls for today are used up: lookups stop, call records wait safely on disk and are sent later"
	case KindTransient:
		if h, ok := HintFor(err); ok {
			return h.Line()
		}
		if foreign(err) {
			return joinLine("something on the way answered in Salesforce's place", said, "look for a proxy or a sign-in page of the network; it is tried again by itself")
		}
		return joinLine("Salesforce is busy or unreachable", said, "it is tried again by itself")
	case KindAmbiguous:
		if foreign(err) {
			return "the answer was not Salesforce's (a proxy, a sign-in page of the network?): it may or may not have been saved, offhook looks before it repeats"
		}
		return "Salesforce did not answer in time: it may or may not have been saved, offhook looks before it repeats"
	case KindDone:
		return "Salesforce already has this record: nothing more to do"
	case KindDuplicates:
		return duplicateLine(api)
	case KindField:
		return joinLine("Salesforce does not take a field", said, "it is left out; tell your administrator")
	case KindValidation:
		return joinLine("Salesforce wants something else in this record", said, "correct it and save again")
	case KindReference:
		return joinLine("Salesforce refuses the link to the record", said, "the call is saved without it; this is a defect of offhook")
	case KindStale:
		return joinLine("the record is gone, converted, or not visible to you", said, "search again")
	case KindProgramming:
		return joinLine("Salesforce did not understand the query", said, "this is a defect of offhook; please report it")
	case KindUnlicensed:
		return joinLine("this org has no such object", said, "offhook goes on without it")
	case KindGone:
		return "this version of Salesforce's API is retired: offhook asks for a newer one and goes on"
	case KindConflict:
		return "somebody changed the record meanwhile: it is read again before anything is written"
	case KindAddress:
		return err.Error()
	case KindCanceled:
		return "given up before Salesforce answered"
	}
	var version *VersionError
	if errors.As(err, &version) {
		return clip(version.Error())
	}
	if api == nil && auth == nil { // it never came to Salesforce: a file, a command, a setting; they say what to do themselves
		return clip(err.Error())
	}
	return joinLine("Salesforce refused", said, "see offhook why for the details")
}

// foreign reports an answer that Salesforce does not give: a redirect of an API call, or something else than JSON.
func foreign(err error) bool {
	var tr *TransportError
	var api *APIError
	return errors.As(err, &tr) && tr.Foreign || errors.As(err, &api) && api.Code == "" && api.Status >= 300 && api.Status < 400
}

func authLine(auth *AuthError, err error) string {
	h, known := HintFor(err)
	switch {
	case known:
		return joinLine(h.What, "", h.Do+"; call records wait safely on disk")
	case errors.Is(err, ErrOtherOrg):
		return "the kept sign-in belongs to another login_url or client_id: run offhook login; call records wait safely on disk"
	case auth != nil:
		return joinLine("Salesforce does not accept the sign-in", strings.TrimSpace(auth.Code+" "+auth.Description), "run offhook login; call records wait safely on disk")
	}
	return "not signed in to Salesforce: run offhook login; call records wait safely on disk"
}

func duplicateLine(e *APIError) string {
	what := "Salesforce thinks this record exists already"
	if e == nil || e.Duplicates == nil {
		return what + ": use the existing one"
	}
	if m := clip(e.Duplicates.ErrorMessage); m != "" {
		what += " (" + m + ")"
	}
	if e.Duplicates.AllowSave {
		return what + ": use the existing one, or save anyway"
	}
	return what + ": use the existing one"
}

func joinLine(what, said, do string) string {
	if said != "" {
		what += " (" + said + ")"
	}
	return what + ": " + do
}

// Refusal is what Salesforce has said in an error, with status 0 and no codes where the error is none of its replies. It is never nil.
func Refusal(err error) *APIError {
	var api *APIError
	if errors.As(err, &api) {
		return api
	}
	return &APIError{}
}

// TimeLayout is a date-time as the REST API takes it, in UTC.
const TimeLayout = "2006-01-02T15:04:05.000Z"
