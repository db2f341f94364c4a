package transaction

import (
	"log/slog"
	"net"

	"github.com/emiago/sipgo/sip"
)

// fsmConn is the connection that a transaction machine of sipgo writes to. The machine decides when something is sent; what
// is sent are our own bytes, to the address the transaction was made with, so that neither its way of printing messages nor
// its way of finding an address for the automatic ACK matters. The flow is not the machine's to count or to close.
type fsmConn struct {
	local net.Addr
	write func(sip.Message) error
}

func (c fsmConn) LocalAddr() net.Addr            { return c.local }
func (c fsmConn) WriteMsg(msg sip.Message) error { return c.write(msg) }
func (c fsmConn) Ref(int) int                    { return 1 }
func (c fsmConn) TryClose() (int, error)         { return 1, nil }
func (c fsmConn) Close() error                   { return nil }

// fsmRequest is what a machine needs to know of a request.
func fsmRequest(method string, cseq uint32, transport string) *sip.Request {
	r := sip.NewRequest(sip.RequestMethod(method), sip.Uri{})
	r.AppendHeader(&sip.CSeqHeader{SeqNo: cseq, MethodName: sip.RequestMethod(method)})
	r.SetTransport(transport)
	r.SetSource("-") // otherwise it looks for a Via
	return r
}

// fsmResponse is what a machine needs to know of a response; wire are the bytes to send, nil for one that came in.
func fsmResponse(status int, wire []byte) *sip.Response {
	r := sip.NewResponse(status, "")
	if wire != nil {
		r.SetBody(wire)
	}
	return r
}

// silent is the logger of the machines: they would print messages, and tell of states that we follow ourselves.
var silent = slog.New(slog.DiscardHandler)
