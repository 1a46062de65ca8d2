package report

// The elements of ETSI TS 119 102-2 V1.3.1 that are written, in the order of its
// schema (namespace http://uri.etsi.org/19102/v1.2.1#). Its types stand in the
// comments.

const (
	nsReport = "http://uri.etsi.org/19102/v1.2.1#"
	nsDS     = "http://www.w3.org/2000/09/xmldsig#"
)

// ValidationReportType.
type xmlReport struct {
	XMLName    struct{}             `xml:"ValidationReport"`
	NS         string               `xml:"xmlns,attr"`
	DS         string               `xml:"xmlns:ds,attr"`
	Signatures []xmlSignatureReport `xml:"SignatureValidationReport"`
	Objects    *xmlObjects          `xml:"SignatureValidationObjects,omitempty"`
}

// SignatureValidationReportType.
type xmlSignatureReport struct {
	Identifier  *xmlIdentifier  `xml:"SignatureIdentifier,omitempty"`
	Constraints *xmlConstraints `xml:"ValidationConstraintsEvaluationReport,omitempty"`
	Times       *xmlTimes       `xml:"ValidationTimeInfo,omitempty"`
	Document    *xmlDocument    `xml:"SignersDocument,omitempty"`
	Attributes  *xmlAttributes  `xml:"SignatureAttributes,omitempty"`
	Signer      *xmlSigner      `xml:"SignerInformation,omitempty"`
	Quality     *xmlQuality     `xml:"SignatureQuality,omitempty"`
	Process     *xmlProcess     `xml:"SignatureValidationProcess,omitempty"`
	Status      xmlStatus       `xml:"SignatureValidationStatus"`
}

// SignatureIdentifierType.
type xmlIdentifier struct {
	ID          string `xml:"id,attr"`
	HashOnly    bool   `xml:"HashOnly"`
	DocHashOnly bool   `xml:"DocHashOnly"`
	DAID        string `xml:"DAIdentifier,omitempty"`
}

// ValidationConstraintsEvaluationReportType with
// IndividualValidationConstraintReportType. SignatureValidationPolicy is left
// out: our policies have names and no object identifiers.
type xmlConstraints struct {
	Constraints []xmlConstraint `xml:"ValidationConstraint"`
}

type xmlConstraint struct {
	ID         string     `xml:"ValidationConstraintIdentifier"`
	Parameters []xmlTyped `xml:"ValidationConstraintParameter"`
	Applied    string     `xml:"ConstraintStatus>Status"`
	Status     *xmlStatus `xml:"ValidationStatus,omitempty"`
}

// TypedDataType.
type xmlTyped struct {
	Type  string `xml:"Type"`
	Value string `xml:"Value"`
}

// ValidationTimeInfoType; both children are required.
type xmlTimes struct {
	Validation string `xml:"ValidationTime"`
	Best       xmlPOE `xml:"BestSignatureTime"`
}

// POEType.
type xmlPOE struct {
	Time   string  `xml:"POETime"`
	Type   string  `xml:"TypeOfProof"`
	Object *xmlRef `xml:"POEObject,omitempty"`
}

// VOReferenceType.
type xmlRef struct {
	To string `xml:"VOReference,attr"`
}

// SignersDocumentType. The names of algorithm and value are XML signature's.
type xmlDocument struct {
	Digest *xmlDigest `xml:"DigestAlgAndValue,omitempty"`
}

// DigestAlgAndValueType of XAdES.
type xmlDigest struct {
	Method xmlMethod `xml:"ds:DigestMethod"`
	Value  []byte    `xml:"ds:DigestValue"`
}

type xmlMethod struct {
	Algorithm string `xml:"Algorithm,attr"`
}

// SignatureAttributesType.
type xmlAttributes struct {
	SigningTime *xmlSigningTime `xml:"SigningTime,omitempty"`
	Stamps      []xmlStamp      `xml:",any"`
}

type xmlSigningTime struct {
	Signed bool   `xml:"Signed,attr"`
	Time   string `xml:"Time"`
}

// SATimestampType under the name of its attribute.
type xmlStamp struct {
	XMLName xmlName
	Object  *xmlRef `xml:"AttributeObject,omitempty"`
	Value   string  `xml:"TimeStampValue"`
}

// SignerInformationType.
type xmlSigner struct {
	Certificate xmlRef `xml:"SignerCertificate"`
	Name        string `xml:"Signer,omitempty"`
}

type xmlQuality struct {
	Information []string `xml:"SignatureQualityInformation"`
}

type xmlProcess struct {
	ID string `xml:"SignatureValidationProcessID"`
}

// ValidationStatusType.
type xmlStatus struct {
	Main string         `xml:"MainIndication"`
	Sub  string         `xml:"SubIndication,omitempty"`
	Data *xmlStatusData `xml:"AssociatedValidationReportData,omitempty"`
}

// ValidationReportDataType.
type xmlStatusData struct {
	Anchor  *xmlRef   `xml:"TrustAnchor,omitempty"`
	Chain   *xmlChain `xml:"CertificateChain,omitempty"`
	Related []xmlRef  `xml:"RelatedValidationObject"`
}

// CertificateChainType.
type xmlChain struct {
	Signing      xmlRef   `xml:"SigningCertificate"`
	Intermediate []xmlRef `xml:"IntermediateCertificate"`
	Anchor       *xmlRef  `xml:"TrustAnchor,omitempty"`
}

// ValidationObjectListType with ValidationObjectType.
type xmlObjects struct {
	Objects []*xmlObject `xml:"ValidationObject"`
}

type xmlObject struct {
	ID             string              `xml:"id,attr"`
	Type           string              `xml:"ObjectType"`
	Representation xmlRepresentation   `xml:"ValidationObjectRepresentation"`
	POE            *xmlPOE             `xml:"POE,omitempty"`
	Report         *xmlSignatureReport `xml:"ValidationReport,omitempty"`
}

// ValidationObjectRepresentationType: one of the three.
type xmlRepresentation struct {
	Base64 []byte     `xml:"base64,omitempty"`
	Digest *xmlDigest `xml:"DigestAlgAndValue,omitempty"`
	Direct string     `xml:"direct,omitempty"`
}
