#include "proxy/tls/remote_key_provider.h"

#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <array>
#include <cstring>
#include <string_view>

namespace dmpm::tls {

using keyholder_protocol::Algorithm;

namespace {

constexpr const char* kName = "dmpm";
constexpr const char* kProperties = "provider=dmpm";
// Parameters of ours, by which a key comes into being: pointers, valid during the call.
constexpr const char* kParamContext = "dmpm-context";
constexpr const char* kParamPublic = "dmpm-public";
constexpr const char* kParamKeyName = "dmpm-key";

// A function as OpenSSL's tables want it.
template <typename Function>
auto entry(int id, Function* function) {
  return OSSL_DISPATCH{id, reinterpret_cast<void (*)()>(function)};
}
constexpr OSSL_DISPATCH kEnd{0, nullptr};

struct EvpDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
template <typename T>
using Ptr = std::unique_ptr<T, EvpDeleter>;

// ---- keys (provider-keymgmt(7)) ----

struct RemoteKey {
  const char* type = nullptr;         // "RSA", "EC", "ED25519"
  Ptr<EVP_PKEY> public_half;          // of the default provider
  SigningContext* context = nullptr;  // null: a public key that was brought here to be compared
  KeyName name;
};

RemoteKey& key_of(void* key) {
  return *static_cast<RemoteKey*>(key);
}
const RemoteKey& key_of(const void* key) {
  return *static_cast<const RemoteKey*>(key);
}

template <const char* const& Type>
void* new_key_data(void*) {
  auto key = std::make_unique<RemoteKey>();
  key->type = Type;
  return key.release();
}

void free_key_data(void* key) {
  std::default_delete<RemoteKey>()(static_cast<RemoteKey*>(key));
}

const void* pointer_param(const OSSL_PARAM* params, const char* name) {
  const OSSL_PARAM* param = OSSL_PARAM_locate_const(params, name);
  const void* pointer = nullptr;
  size_t size = 0;
  return param != nullptr && OSSL_PARAM_get_octet_ptr(param, &pointer, &size) == 1 ? pointer
                                                                                   : nullptr;
}

// Another provider's public key, so that EVP_PKEY_eq() can compare it with ours.
bool import_public(RemoteKey& key, const OSSL_PARAM* params) {
  const Ptr<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_name(nullptr, key.type, "provider=default"));
  EVP_PKEY* imported = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &imported, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(params)) != 1) {
    return false;
  }
  key.public_half.reset(imported);
  return true;
}

int import_key(void* data, int, const OSSL_PARAM params[]) {
  RemoteKey& key = key_of(data);
  const void* public_half = pointer_param(params, kParamPublic);
  if (public_half == nullptr) return import_public(key, params) ? 1 : 0;
  auto* half = static_cast<EVP_PKEY*>(const_cast<void*>(public_half));
  EVP_PKEY_up_ref(half);
  key.public_half.reset(half);
  key.context =
      static_cast<SigningContext*>(const_cast<void*>(pointer_param(params, kParamContext)));
  key.name = *static_cast<const KeyName*>(pointer_param(params, kParamKeyName));
  return 1;
}

const OSSL_PARAM* import_types(int) {
  static const OSSL_PARAM kTypes[] = {OSSL_PARAM_octet_ptr(kParamPublic, nullptr, 0),
                                      OSSL_PARAM_octet_ptr(kParamContext, nullptr, 0),
                                      OSSL_PARAM_octet_ptr(kParamKeyName, nullptr, 0),
                                      OSSL_PARAM_END};
  return kTypes;
}

// A key that can sign says that it has everything.
int has(const void*, int) {
  return 1;
}

int match(const void* one, const void* other, int) {
  const EVP_PKEY* a = key_of(one).public_half.get();
  const EVP_PKEY* b = key_of(other).public_half.get();
  return a != nullptr && b != nullptr && EVP_PKEY_eq(a, b) == 1 ? 1 : 0;
}

int get_key_params(void* key, OSSL_PARAM params[]) {
  return EVP_PKEY_get_params(key_of(key).public_half.get(), params);
}

const OSSL_PARAM* gettable_key_params(void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_END};
  return kParams;
}

template <const char* const& Signature>
const char* operation_name(int operation) {
  return operation == OSSL_OP_SIGNATURE ? Signature : nullptr;
}

// ---- signatures (provider-signature(7)) ----

struct Signing {
  const RemoteKey* key = nullptr;
  std::array<char, 16> digest{};
  bool pss = false;
};

Signing& signing_of(void* signing) {
  return *static_cast<Signing*>(signing);
}

void* new_signing(void*, const char*) {
  return std::make_unique<Signing>().release();
}

void free_signing(void* signing) {
  std::default_delete<Signing>()(static_cast<Signing*>(signing));
}

int set_signing_params(void* data, const OSSL_PARAM params[]) {
  if (params == nullptr) return 1;
  const OSSL_PARAM* padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  if (padding == nullptr) return 1;
  if (padding->data_type == OSSL_PARAM_UTF8_STRING) {
    signing_of(data).pss =
        std::strcmp(static_cast<const char*>(padding->data), OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
    return 1;
  }
  int mode = 0;
  if (OSSL_PARAM_get_int(padding, &mode) != 1) return 0;
  signing_of(data).pss = mode == RSA_PKCS1_PSS_PADDING;
  return mode == RSA_PKCS1_PSS_PADDING || mode == RSA_PKCS1_PADDING ? 1 : 0;
}

// In TLS the salt is always as long as the digest, and MGF1's digest the same (RFC 8446 4.2.3).
const OSSL_PARAM* settable_signing_params(void*, void*) {
  static const OSSL_PARAM kParams[] = {
      OSSL_PARAM_int(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0), OSSL_PARAM_END};
  return kParams;
}

int init_signing(void* data, const char* digest, void* key, const OSSL_PARAM params[]) {
  Signing& signing = signing_of(data);
  if (key != nullptr) signing.key = &key_of(key);
  const std::string_view name = digest == nullptr ? "" : digest;
  if (signing.key == nullptr || signing.key->context == nullptr ||
      name.size() >= signing.digest.size()) {
    return 0;
  }
  signing.digest = {};
  name.copy(signing.digest.data(), name.size());
  return set_signing_params(data, params);
}

struct Scheme {
  std::string_view type, digest;
  bool pss;
  Algorithm algorithm;
};
constexpr Scheme kSchemes[] = {
    {"RSA", "SHA256", true, Algorithm::rsa_pss_sha256},
    {"RSA", "SHA384", true, Algorithm::rsa_pss_sha384},
    {"RSA", "SHA512", true, Algorithm::rsa_pss_sha512},
    {"RSA", "SHA256", false, Algorithm::rsa_pkcs1_sha256},
    {"RSA", "SHA384", false, Algorithm::rsa_pkcs1_sha384},
    {"RSA", "SHA512", false, Algorithm::rsa_pkcs1_sha512},
    {"EC", "SHA256", false, Algorithm::ecdsa_sha256},
    {"EC", "SHA384", false, Algorithm::ecdsa_sha384},
    {"EC", "SHA512", false, Algorithm::ecdsa_sha512},
    {"ED25519", "", false, Algorithm::ed25519},
};

const Scheme* scheme_of(const Signing& signing) {
  std::string_view digest = signing.digest.data();
  if (digest == "SHA2-256") digest = "SHA256";
  if (digest == "SHA2-384") digest = "SHA384";
  if (digest == "SHA2-512") digest = "SHA512";
  for (const Scheme& scheme : kSchemes) {
    if (scheme.type == signing.key->type && scheme.digest == digest && scheme.pss == signing.pss) {
      return &scheme;
    }
  }
  return nullptr;
}

// The whole message in one call. Leaves the handshake here until the signature has come.
int sign(void* data, unsigned char* signature, size_t* size, size_t room,
         const unsigned char* message, size_t message_size) {
  const Signing& signing = signing_of(data);
  if (signature == nullptr) {
    *size = static_cast<size_t>(EVP_PKEY_get_size(signing.key->public_half.get()));
    return 1;
  }
  const Scheme* scheme = scheme_of(signing);
  PendingSignature* pending = signing.key->context->pending();
  if (scheme == nullptr || pending == nullptr || ASYNC_get_current_job() == nullptr ||
      pending->state() != PendingSignature::State::idle) {
    return 0;
  }
  pending->request(signing.key->name, scheme->algorithm,
                   {reinterpret_cast<const char*>(message), message_size});
  while (pending->state() == PendingSignature::State::waiting) {
    if (ASYNC_pause_job() != 1) return 0;
  }
  const std::string& bytes = pending->signature();
  if (pending->state() != PendingSignature::State::signed_ || bytes.size() > room) return 0;
  std::memcpy(signature, bytes.data(), bytes.size());
  *size = bytes.size();
  return 1;
}

// ---- the tables ----

constexpr const char* kRsa = "RSA";
constexpr const char* kEc = "EC";
constexpr const char* kEd25519 = "ED25519";
constexpr const char* kEcdsa = "ECDSA";

template <const char* const& Type, const char* const& Signature>
const OSSL_DISPATCH* key_functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      entry(OSSL_FUNC_KEYMGMT_NEW, new_key_data<Type>),
      entry(OSSL_FUNC_KEYMGMT_FREE, free_key_data),
      entry(OSSL_FUNC_KEYMGMT_HAS, has),
      entry(OSSL_FUNC_KEYMGMT_MATCH, match),
      entry(OSSL_FUNC_KEYMGMT_IMPORT, import_key),
      entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, import_types),
      entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key_params),
      entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable_key_params),
      entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, operation_name<Signature>),
      kEnd};
  return kFunctions;
}

const OSSL_DISPATCH* signature_functions() {
  static const OSSL_DISPATCH kFunctions[] = {
      entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_signing),
      entry(OSSL_FUNC_SIGNATURE_FREECTX, free_signing),
      entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, init_signing),
      entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
      entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_signing_params),
      entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_signing_params),
      kEnd};
  return kFunctions;
}

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  *no_cache = 0;
  static const OSSL_ALGORITHM kKeys[] = {
      {"RSA:rsaEncryption", kProperties, key_functions<kRsa, kRsa>(), nullptr},
      {"EC:id-ecPublicKey", kProperties, key_functions<kEc, kEcdsa>(), nullptr},
      {"ED25519", kProperties, key_functions<kEd25519, kEd25519>(), nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  static const OSSL_ALGORITHM kSignatures[] = {
      {"RSA:rsaEncryption", kProperties, signature_functions(), nullptr},
      {"ECDSA", kProperties, signature_functions(), nullptr},
      {"ED25519", kProperties, signature_functions(), nullptr},
      {nullptr, nullptr, nullptr, nullptr}};
  if (operation == OSSL_OP_KEYMGMT) return kKeys;
  return operation == OSSL_OP_SIGNATURE ? kSignatures : nullptr;
}

int start_provider(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                   void** context) {
  static const OSSL_DISPATCH kFunctions[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                             kEnd};
  *out = kFunctions;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

const char* type_of(const EVP_PKEY* key) {
  for (const char* type : {kRsa, kEc, kEd25519}) {
    if (EVP_PKEY_is_a(key, type) == 1) return type;
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<RemoteKeyProvider>> RemoteKeyProvider::load(SigningContext& context) {
  std::unique_ptr<RemoteKeyProvider> provider(new RemoteKeyProvider(context));
  if (OSSL_PROVIDER_add_builtin(nullptr, kName, start_provider) != 1 ||
      // 1: the default provider goes on being loaded by itself.
      (provider->remote_ = OSSL_PROVIDER_try_load(nullptr, kName, 1)) == nullptr ||
      // Everything but our own keys is the default provider's work.
      EVP_set_default_properties(nullptr, "?provider=default") != 1) {
    ERR_clear_error();
    return Error{"OpenSSL did not take the provider of remote keys"};
  }
  return provider;
}

RemoteKeyProvider::~RemoteKeyProvider() {
  if (remote_ != nullptr) OSSL_PROVIDER_unload(remote_);
}

EVP_PKEY* RemoteKeyProvider::new_key(EVP_PKEY* public_half, const KeyName& name) const {
  const char* type = type_of(public_half);
  if (type == nullptr) return nullptr;
  const Ptr<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, kProperties));
  void* pointers[] = {public_half, &context_, const_cast<KeyName*>(&name)};
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_ptr(kParamPublic, &pointers[0], 0),
                         OSSL_PARAM_construct_octet_ptr(kParamContext, &pointers[1], 0),
                         OSSL_PARAM_construct_octet_ptr(kParamKeyName, &pointers[2], 0),
                         OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params) != 1) {
    return nullptr;
  }
  return key;
}

}  // namespace dmpm::tls
