package verify

// Status is the main indication of EN 319 102-1, section 5.1.3. The zero value
// is Indeterminate.
type Status uint8

// The main status indications.
const (
	Indeterminate Status = iota // the evidence does not suffice for an answer
	Passed                      // every check that the policy demands passed
	Failed                      // a check failed for good
)

// String returns "INDETERMINATE", "TOTAL-PASSED" or "TOTAL-FAILED".
func (s Status) String() string {
	switch s {
	case Passed:
		return "TOTAL-PASSED"
	case Failed:
		return "TOTAL-FAILED"
	}
	return "INDETERMINATE"
}

// Reason is a sub-indication of EN 319 102-1, section 5.1.3 (tables 5 and 6).
// The values are stable; scripts compare them.
type Reason string

// Reasons of a TOTAL-FAILED, and those of an INDETERMINATE that mean "invalid"
// to a person.
const (
	FormatFailure     Reason = "FORMAT_FAILURE"     // not conformant to the format
	HashFailure       Reason = "HASH_FAILURE"       // the signed data is not what was signed
	SigCryptoFailure  Reason = "SIG_CRYPTO_FAILURE" // the signature value does not verify
	RevokedReason     Reason = "REVOKED"            // revoked, and proven to be used after that
	Expired           Reason = "EXPIRED"            // proven to be made after the certificate expired
	NotYetValid       Reason = "NOT_YET_VALID"      // made before the certificate was valid
	SigConstraints    Reason = "SIG_CONSTRAINTS_FAILURE"
	ChainConstraints  Reason = "CHAIN_CONSTRAINTS_FAILURE"
	ChainGeneral      Reason = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	CryptoConstraints Reason = "CRYPTO_CONSTRAINTS_FAILURE"
)

// Reasons of an INDETERMINATE.
const (
	CryptoConstraintsNoPOE      Reason = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
	PolicyProcessingError       Reason = "POLICY_PROCESSING_ERROR"
	SignaturePolicyNotAvailable Reason = "SIGNATURE_POLICY_NOT_AVAILABLE"
	TimestampOrderFailure       Reason = "TIMESTAMP_ORDER_FAILURE"
	NoSigningCertificate        Reason = "NO_SIGNING_CERTIFICATE_FOUND"
	NoCertificateChain          Reason = "NO_CERTIFICATE_CHAIN_FOUND"
	RevokedNoPOE                Reason = "REVOKED_NO_POE"
	RevokedCANoPOE              Reason = "REVOKED_CA_NO_POE"
	OutOfBoundsNotRevoked       Reason = "OUT_OF_BOUNDS_NOT_REVOKED"
	OutOfBoundsNoPOE            Reason = "OUT_OF_BOUNDS_NO_POE"
	RevocationOutOfBoundsNoPOE  Reason = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
	NoPOE                       Reason = "NO_POE"
	TryLater                    Reason = "TRY_LATER"
	SignedDataNotFound          Reason = "SIGNED_DATA_NOT_FOUND"
	Generic                     Reason = "GENERIC"
)

// Verdict is the answer for a person and for scripts. The zero value is
// VerdictIndeterminate.
type Verdict uint8

// The verdicts, as `status` of the JSON output names them.
const (
	VerdictIndeterminate Verdict = iota // "indeterminate"
	VerdictValid                        // "valid"
	VerdictRevoked                      // "revoked"
	VerdictInvalid                      // "invalid"
)

// String returns the word of the JSON output.
func (v Verdict) String() string {
	switch v {
	case VerdictValid:
		return "valid"
	case VerdictRevoked:
		return "revoked"
	case VerdictInvalid:
		return "invalid"
	}
	return "indeterminate"
}

// rank orders verdicts, the worst highest: invalid, revoked, indeterminate, valid.
func (v Verdict) rank() int {
	switch v {
	case VerdictInvalid:
		return 3
	case VerdictRevoked:
		return 2
	case VerdictValid:
		return 0
	}
	return 1
}

// reasonRow says what a reason means.
type reasonRow struct {
	status  Status
	verdict Verdict
}

// reasons has a row for every Reason. The status of a reason is that of EN 319
// 102-1; the verdict is that of the command line's table: a refusal that only
// other rules or a proof of existence could lift is invalid for a person.
var reasons = map[Reason]reasonRow{
	FormatFailure:    {Failed, VerdictInvalid},
	HashFailure:      {Failed, VerdictInvalid},
	SigCryptoFailure: {Failed, VerdictInvalid},
	RevokedReason:    {Failed, VerdictRevoked},
	Expired:          {Failed, VerdictInvalid},
	NotYetValid:      {Failed, VerdictInvalid},

	SigConstraints:              {Indeterminate, VerdictInvalid},
	ChainConstraints:            {Indeterminate, VerdictInvalid},
	ChainGeneral:                {Indeterminate, VerdictInvalid},
	CryptoConstraints:           {Indeterminate, VerdictInvalid},
	CryptoConstraintsNoPOE:      {Indeterminate, VerdictInvalid},
	OutOfBoundsNoPOE:            {Indeterminate, VerdictInvalid},
	RevokedNoPOE:                {Indeterminate, VerdictRevoked},
	RevokedCANoPOE:              {Indeterminate, VerdictRevoked},
	PolicyProcessingError:       {Indeterminate, VerdictIndeterminate},
	SignaturePolicyNotAvailable: {Indeterminate, VerdictIndeterminate},
	TimestampOrderFailure:       {Indeterminate, VerdictIndeterminate},
	NoSigningCertificate:        {Indeterminate, VerdictIndeterminate},
	NoCertificateChain:          {Indeterminate, VerdictIndeterminate},
	OutOfBoundsNotRevoked:       {Indeterminate, VerdictIndeterminate},
	RevocationOutOfBoundsNoPOE:  {Indeterminate, VerdictIndeterminate},
	NoPOE:                       {Indeterminate, VerdictIndeterminate},
	TryLater:                    {Indeterminate, VerdictIndeterminate},
	SignedDataNotFound:          {Indeterminate, VerdictIndeterminate},
	Generic:                     {Indeterminate, VerdictIndeterminate},
}

// Status returns the main indication under which the reason stands.
func (r Reason) Status() Status { return reasons[r].status }

// Verdict returns what the reason means for a person.
func (r Reason) Verdict() Verdict { return reasons[r].verdict }
