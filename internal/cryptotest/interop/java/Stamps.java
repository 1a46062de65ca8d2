import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.security.SignatureException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1Set;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.ContentInfo;
import org.bouncycastle.asn1.cms.SignedData;
import org.bouncycastle.asn1.cms.SignerInfo;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedData;
import org.bouncycastle.cms.SignerInformation;
import org.bouncycastle.cms.SignerInformationStore;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.tsp.TimeStampToken;
import org.bouncycastle.util.Selector;

/** Time stamps in the unsigned attributes of signatures: CAdES-T, CAdES-X Type 1 and archive-time-stamp-v3. */
final class Stamps {
    private static final ASN1ObjectIdentifier SIGNATURE = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.2.14");
    private static final ASN1ObjectIdentifier CERTIFICATE_REFS = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.2.21");
    private static final ASN1ObjectIdentifier REVOCATION_REFS = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.2.22");
    private static final ASN1ObjectIdentifier CADES_C = new ASN1ObjectIdentifier("1.2.840.113549.1.9.16.2.25");
    private static final ASN1ObjectIdentifier ARCHIVE_V3 = new ASN1ObjectIdentifier("0.4.0.1733.2.4");
    private static final ASN1ObjectIdentifier HASH_INDEX_V3 = new ASN1ObjectIdentifier("0.4.0.19122.1.5");

    private static final Set<ASN1ObjectIdentifier> STAMPS = Set.of(SIGNATURE, CADES_C, ARCHIVE_V3);

    private Stamps() {}

    /** add-stamp SIGNATURE CERT KEY OUT: every signature gets a signature-time-stamp (CAdES-T). */
    static String add(Peer.Arguments a) throws Exception {
        var message = new CMSSignedData(a.der());
        X509CertificateHolder c = Certificates.read(a);
        Keys.Pair k = Certificates.readKey(a);
        List<SignerInformation> signers = new ArrayList<>();
        for (SignerInformation i : message.getSignerInfos()) {
            var token = new DERSet(Authority.token(i.getSignature(), c, k).toCMSSignedData().toASN1Structure());
            var attributes = new AttributeTable(new DERSet(new Attribute(SIGNATURE, token)));
            signers.add(SignerInformation.replaceUnsignedAttributes(i, attributes));
        }
        var stamped = CMSSignedData.replaceSigners(message, new SignerInformationStore(signers));
        Files.write(a.file(), stamped.toASN1Structure().getEncoded("DER"));
        return signers.size() + " time stamps";
    }

    /**
     * verify-stamps SIGNATURE DOCUMENT COUNT [ROOT SUB]: a detached signature and that many time stamps in it, whose
     * authorities lie below SUB.
     */
    static String verify(Peer.Arguments a) throws Exception {
        byte[] der = a.der();
        byte[] document = a.bytes();
        int want = Integer.parseInt(a.text());
        X509CertificateHolder root = a.more() ? Certificates.read(a) : null;
        X509CertificateHolder sub = a.more() ? Certificates.read(a) : null;
        var message = new CMSSignedData(new CMSProcessableByteArray(document), der);
        SignedData signed = SignedData.getInstance(ContentInfo.getInstance(der).getContent());
        int found = 0;
        for (SignerInformation i : message.getSignerInfos()) {
            X509CertificateHolder c = certificate(message.getCertificates().getMatches(i.getSID()));
            if (!i.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider(Keys.PROVIDER).build(c))) {
                throw new SignatureException("the signature is wrong");
            }
            SignerInfo raw = i.toASN1Structure();
            for (ASN1Encodable e : raw.getUnauthenticatedAttributes()) {
                Attribute attribute = Attribute.getInstance(e);
                if (!STAMPS.contains(attribute.getAttrType())) {
                    continue;
                }
                for (ASN1Encodable value : attribute.getAttrValues()) {
                    X509CertificateHolder tsa = stamp(attribute.getAttrType(), value, signed, raw, document);
                    if (sub != null) {
                        Certificates.path(root, sub, tsa);
                    }
                    found++;
                }
            }
        }
        if (found != want) {
            throw new SignatureException(found + " time stamps");
        }
        return found + " time stamps";
    }

    /** The certificate in a token that its signer names. */
    static X509CertificateHolder authority(TimeStampToken token) throws SignatureException {
        return certificate(token.getCertificates().getMatches(selector(token)));
    }

    /** Verifies one time stamp and returns whose it is. */
    private static X509CertificateHolder stamp(ASN1ObjectIdentifier type, ASN1Encodable value, SignedData signed, SignerInfo raw,
            byte[] document) throws Exception {
        var token = new TimeStampToken(ContentInfo.getInstance(value));
        X509CertificateHolder tsa = authority(token);
        token.validate(new JcaSimpleSignerInfoVerifierBuilder().setProvider(Keys.PROVIDER).build(tsa));
        MessageDigest digest = digest(token.getTimeStampInfo().getMessageImprintAlgOID());
        var octets = new ByteArrayOutputStream();
        if (type.equals(ARCHIVE_V3)) {
            archive(octets, token, signed, raw, digest.digest(document));
        } else {
            octets.write(raw.getEncryptedDigest().getOctets());
        }
        if (type.equals(CADES_C)) {
            for (ASN1ObjectIdentifier t : List.of(SIGNATURE, CERTIFICATE_REFS, REVOCATION_REFS)) {
                covered(octets, raw.getUnauthenticatedAttributes(), t);
            }
        }
        digest.reset();
        if (!MessageDigest.isEqual(digest.digest(octets.toByteArray()), token.getTimeStampInfo().getMessageImprintDigest())) {
            throw new SignatureException("the time stamp " + type + " is about other octets");
        }
        return tsa;
    }

    @SuppressWarnings("unchecked")
    private static Selector<X509CertificateHolder> selector(TimeStampToken t) {
        return (Selector<X509CertificateHolder>) t.getSID();
    }

    private static MessageDigest digest(ASN1ObjectIdentifier id) throws Exception {
        return MessageDigest.getInstance(id.getId(), Keys.PROVIDER);
    }

    private static X509CertificateHolder certificate(Collection<?> list) throws SignatureException {
        for (Object c : list) {
            return (X509CertificateHolder) c;
        }
        throw new SignatureException("a certificate is not inside");
    }

    /** Writes type and values of each attribute, without the header of the SEQUENCE around them. */
    private static void covered(ByteArrayOutputStream out, ASN1Set attributes, ASN1ObjectIdentifier type) throws IOException {
        for (ASN1Encodable e : attributes) {
            Attribute a = Attribute.getInstance(e);
            if (a.getAttrType().equals(type)) {
                out.write(a.getAttrType().getEncoded());
                out.write(a.getAttrValues().getEncoded());
            }
        }
    }

    /** Writes what an archive-time-stamp-v3 covers, and checks its hash index. */
    private static void archive(ByteArrayOutputStream out, TimeStampToken token, SignedData signed, SignerInfo raw, byte[] content)
            throws Exception {
        Attribute attribute = token.getUnsignedAttributes().get(HASH_INDEX_V3);
        ASN1Sequence index = ASN1Sequence.getInstance(attribute.getAttrValues().getObjectAt(0));
        MessageDigest digest = digest(AlgorithmIdentifier.getInstance(index.getObjectAt(0)).getAlgorithm());
        var present = new TreeSet<String>();
        for (ASN1Set set : new ASN1Set[] {signed.getCertificates(), signed.getCRLs()}) {
            for (ASN1Encodable e : set == null ? List.<ASN1Encodable>of() : set) {
                present.add(hex(digest.digest(e.toASN1Primitive().getEncoded())));
            }
        }
        for (ASN1Encodable e : raw.getUnauthenticatedAttributes()) {
            Attribute a = Attribute.getInstance(e);
            for (ASN1Encodable v : a.getAttrValues()) {
                digest.update(a.getAttrType().getEncoded());
                present.add(hex(digest.digest(v.toASN1Primitive().getEncoded())));
            }
        }
        for (String listed : listed(index)) {
            if (!present.contains(listed)) {
                throw new SignatureException("what the hash index lists is not there");
            }
        }
        out.write(signed.getEncapContentInfo().getContentType().getEncoded());
        out.write(content);
        ASN1Sequence fields = ASN1Sequence.getInstance(raw.toASN1Primitive());
        for (int i = 0; i < fields.size() - 1; i++) { // the last are the unsigned attributes
            out.write(fields.getObjectAt(i).toASN1Primitive().getEncoded());
        }
        out.write(index.getEncoded());
    }

    private static List<String> listed(ASN1Sequence index) {
        List<String> all = new ArrayList<>();
        for (int i = 1; i < 4; i++) {
            for (ASN1Encodable e : ASN1Sequence.getInstance(index.getObjectAt(i))) {
                all.add(hex(ASN1OctetString.getInstance(e).getOctets()));
            }
        }
        return all;
    }

    private static String hex(byte[] b) {
        return HexFormat.of().formatHex(b);
    }
}
