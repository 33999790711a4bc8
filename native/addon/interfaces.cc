#include "addon/interfaces.h"

#include "addon/error.h"
#include "source/interfaces.h"

namespace flowtap::addon {

namespace {

Napi::Object describe(Napi::Env env, const source::Interface& interface) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("name", interface.name);
  Napi::Array addresses = Napi::Array::New(env);
  for (const std::string& address : interface.addresses) addresses.Set(addresses.Length(), address);
  object.Set("addresses", addresses);
  object.Set("up", interface.up);
  object.Set("running", interface.running);
  object.Set("loopback", interface.loopback);
  object.Set("linkType", interface.linkType);
  if (interface.error) object.Set("error", describeError(env, interface.error));
  return object;
}

class Listing final : public Napi::AsyncWorker {
 public:
  explicit Listing(Napi::Env env) : Napi::AsyncWorker(env), deferred_(env) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override { list_ = source::listInterfaces(); }
  void OnOK() override {
    const Napi::Env env = Env();
    Napi::Object result = Napi::Object::New(env);
    Napi::Array interfaces = Napi::Array::New(env);
    for (const source::Interface& one : list_.interfaces) interfaces.Set(interfaces.Length(), describe(env, one));
    result.Set("interfaces", interfaces);
    if (list_.error) result.Set("error", describeError(env, list_.error));
    deferred_.Resolve(result);
  }

 private:
  Napi::Promise::Deferred deferred_;
  source::InterfaceList list_;
};

}  // namespace

Napi::Value listInterfaces(const Napi::CallbackInfo& info) {
  // Deletes itself.
  auto* listing = new Listing(info.Env());
  const Napi::Promise promise = listing->promise();
  listing->Queue();
  return promise;
}

}  // namespace flowtap::addon
