package salesforce

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"offhook/internal/text"
)

// SoftphoneLayout is the answer of the SOAP Partner call describeSoftphoneLayout.
type SoftphoneLayout struct {
	ID        string              `xml:"id"`
	Name      string              `xml:"name"`
	CallTypes []SoftphoneCallType `xml:"callTypes"`
}

// SoftphoneCallType is one kind of call of a softphone layout: Internal, Inbound or Outbound.
type SoftphoneCallType struct {
	Name       string             `xml:"name"`
	InfoFields []string           `xml:"infoFields>name"`
	Pops       []SoftphonePop     `xml:"screenPopOptions"`
	OpenWithin string             `xml:"screenPopsOpenWithin"`
	Sections   []SoftphoneSection `xml:"sections"`
}

// SoftphonePop says what a match opens.
type SoftphonePop struct {
	Match string `xml:"matchType"`
	Type  string `xml:"screenPopType"`
	Data  string `xml:"screenPopData"`
}

// SoftphoneSection is one object of a softphone layout with its fields.
type SoftphoneSection struct {
	Entity string   `xml:"entityApiName"`
	Items  []string `xml:"items>itemApiName"`
}

// SOAPError is a fault of the SOAP API.
type SOAPError struct {
	Status  int
	Code    string // INVALID_SESSION_ID, …; without its prefix
	Message string
}

func (e *SOAPError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("the SOAP API answered with status %d", e.Status)
	}
	return "the SOAP API refused: " + e.Code + " " + e.Message
}

// Bounds of a SOAP reply: a layout has some kilobytes.
const (
	maxSOAP      = 4 << 20
	maxSOAPDepth = 32
	maxSOAPItems = 50_000
)

// DescribeSoftphoneLayout asks the SOAP Partner API for the softphone layout of the signed-in user. Salesforce documents the call as
// one that clients should not make directly, so it may be refused at any time: a file is the supported way. It is no part of the
// REST API, and goes its own way with the same token.
func (c *Client) DescribeSoftphoneLayout(ctx context.Context) (SoftphoneLayout, error) {
	if _, err := c.User(ctx); err != nil { // renews the token when it has expired, which SOAP would not tell by a status
		return SoftphoneLayout{}, err
	}
	tok, err := c.session.current(ctx)
	if err != nil {
		return SoftphoneLayout{}, err
	}
	out, err := c.describeSoftphone(ctx, tok)
	var fault *SOAPError
	if errors.As(err, &fault) && fault.Code == "INVALID_SESSION_ID" {
		if tok, rerr := c.session.renew(ctx, tok.Access); rerr == nil {
			return c.describeSoftphone(ctx, tok)
		}
	}
	return out, err
}

func (c *Client) describeSoftphone(ctx context.Context, tok Token) (out SoftphoneLayout, err error) {
	base, err := checkHost(tok.Instance, c.o.App.Local)
	if err != nil {
		return out, err
	}
	version, err := c.negotiated(ctx, tok)
	if err != nil {
		return out, err
	}
	var session bytes.Buffer
	_ = xml.EscapeText(&session, []byte(tok.Access)) // a bytes.Buffer takes everything
	body := `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">` +
		`<soapenv:Header><urn:SessionHeader><urn:sessionId>` + session.String() + `</urn:sessionId></urn:SessionHeader></soapenv:Header>` +
		`<soapenv:Body><urn:describeSoftphoneLayout/></soapenv:Body></soapenv:Envelope>`
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	path := "/services/Soap/u/" + version
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base.String()+path, strings.NewReader(body))
	if err != nil {
		return out, fmt.Errorf("build POST %s: %w", path, err)
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	req.Header.Set("Content-Type", "text/xml; charset=UTF-8")
	req.Header.Set("SOAPAction", `""`)
	resp, err := c.http.Do(req)
	if err != nil {
		return out, &TransportError{Method: http.MethodPost, Path: path, Err: plainErr(err)}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxSOAP+1))
	if err != nil {
		return out, &TransportError{Method: http.MethodPost, Path: path, Err: err}
	}
	return parseSoftphone(resp.StatusCode, data)
}

// parseSoftphone reads the envelope: the layout, or the fault.
func parseSoftphone(status int, data []byte) (SoftphoneLayout, error) {
	var env struct {
		Body struct {
			Fault *struct {
				Code   string `xml:"faultcode"`
				String string `xml:"faultstring"`
			} `xml:"Fault"`
			Response *struct {
				Result SoftphoneLayout `xml:"result"`
			} `xml:"describeSoftphoneLayoutResponse"`
		} `xml:"Body"`
	}
	if err := checkXML(data); err != nil {
		return SoftphoneLayout{}, &SOAPError{Status: status, Code: "UNREADABLE", Message: err.Error()}
	}
	if err := xml.Unmarshal(data, &env); err != nil {
		return SoftphoneLayout{}, &SOAPError{Status: status, Code: "UNREADABLE", Message: "the answer is no XML that can be read"}
	}
	if f := env.Body.Fault; f != nil {
		_, code, prefixed := strings.Cut(f.Code, ":")
		if !prefixed {
			code = f.Code
		}
		return SoftphoneLayout{}, &SOAPError{Status: status, Code: text.Clean(code).Runes(80).String(), Message: text.Clean(f.String).Runes(300).String()}
	}
	if env.Body.Response == nil || status != http.StatusOK {
		return SoftphoneLayout{}, &SOAPError{Status: status}
	}
	return env.Body.Response.Result, nil
}

// checkXML refuses, before anything is built of it, what no reply needs: declarations (entities, which can grow without end), huge
// depth and huge numbers of elements.
func checkXML(data []byte) error {
	if len(data) > maxSOAP {
		return errors.New("the answer is larger than 4 MiB")
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	depth, items := 0, 0
	for {
		t, err := dec.Token()
		switch {
		case err == io.EOF && items > 0:
			return nil
		case err != nil:
			return errors.New("the answer is no XML")
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
			items++
		case xml.EndElement:
			depth--
		case xml.Directive:
			return errors.New("the answer declares something (DOCTYPE)")
		}
		if depth > maxSOAPDepth || items > maxSOAPItems {
			return errors.New("the answer is nested too deeply or has too many elements")
		}
	}
}
