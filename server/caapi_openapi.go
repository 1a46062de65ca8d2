package server

import (
	_ "embed"
	"net/http"

	"github.com/gosklyuch/gosklyuch/pki/ca"
)

// The description of the API. The YAML file is written by hand, the JSON file is
// made from it.
//
//go:embed web/ca-openapi.json
var caOpenAPI []byte

func (s *CAService) getOpenAPI(w http.ResponseWriter, req *http.Request, _ ca.Operator) error {
	constant("application/json", caOpenAPI)(w, req)
	return nil
}
