// dmpm explain HOST: which virtual host, group, certificate and worker a name leads to, and why.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/text.h"
#include "cli/certificate.h"
#include "cli/command.h"
#include "cli/explain.h"
#include "cli/route.h"
#include "cli/text.h"
#include "cli/warnings.h"
#include "config/problem_list.h"
#include "config/trusted_files.h"

namespace dmpm::cli {
namespace {

constexpr size_t kMaxFile = size_t{64} << 10;  // of a certificate, as in master/limits.h

template <typename Strings>
std::string joined(const Strings& strings, std::string_view separator) {
  std::string out;
  for (const auto& string : strings) {
    if (!out.empty()) out += separator;
    out += string;
  }
  return out;
}

std::string place(const config::Location& location) {
  return printable(config::to_string(location));
}

void append_match(std::string& out, const std::vector<Match>& found, std::string_view host) {
  const Match& used = found.front();
  const bool exact = used.name == host;
  append_fact(out, "matches",
              concat({used.name, exact ? ", exactly" : ", the longest wildcard that fits"}));
  append_fact(out, "", concat({"of the virtual host at ", place(used.host->location)}));
  for (size_t i = 1; i < found.size(); ++i) {
    append_fact(out, "",
                concat({"and not ", found[i].name, " at ", place(found[i].host->location),
                        exact ? ": an exact name comes first" : ": that is shorter"}));
  }
}

void append_certificate(std::string& out, std::string_view what,
                        const config::CertificateFiles& files) {
  append_fact(out, what, printable(files.certificate_path));
  config::TrustedFiles reader;
  auto text = reader.read(files.certificate_path, kMaxFile);
  const auto certificate = text ? Certificate::parse(text->text) : std::nullopt;
  if (!certificate) {
    append_fact(out, "", text ? "which holds no certificate" : printable(text.error().message));
    return;
  }
  append_fact(out, "", concat({"for ", joined(certificate->names(), ", ")}));
  append_fact(out, "",
              concat({"by ", certificate->issuer(), ", until ", date(certificate->ends())}));
  append_fact(out, "", concat({"with the key ", printable(files.key_path)}));
}

void append_certificates(std::string& out, const Sites& sites, const config::VirtualHost& host) {
  if (host.tls) {
    append_certificate(out, "certificate", *host.tls);
    if (host.tls->second) append_certificate(out, "and", *host.tls->second);
    return;
  }
  const config::VirtualHost* other = fallback(sites);
  append_fact(out, "certificate",
              other == nullptr ? "none: there is no TLS"
                               : concat({"none of its own; over TLS that of ", other->names.front(),
                                         " is shown"}));
}

std::string worker_of(const config::Group& group) {
  const config::Worker& worker = group.worker;
  std::string text;
  if (!worker.adapter.empty()) text = joined(worker.adapter, " ");
  if (!text.empty() && !worker.command.empty()) text += ", ";
  return text + joined(worker.command, " ");
}

void append_group(std::string& out, const config::Group& group) {
  const config::Permissions& may = group.permissions;
  append_fact(out, "group", concat({group.name, ", at ", place(group.location)}));
  append_fact(out, "runs as",
              concat({printable(may.identity.user), ":", printable(may.identity.group),
                      ", root directory ", printable(may.root)}));
  if (!may.modules.empty()) {
    std::vector<std::string> names;
    for (const config::PermissionModule& module : may.modules) names.push_back(module.name);
    append_fact(out, "modules", joined(names, ", "));
  }
  append_fact(out, "worker", printable(worker_of(group)));
  append_fact(out, "",
              concat({"in ", printable(group.worker.directory), ", at most ",
                      count(group.scale.max_workers, "worker")}));
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int explain_unknown(const Sites& sites, const std::string& host) {
  std::string out = concat({host, " is not served here\n\n"});
  const config::VirtualHost* other = fallback(sites);
  if (other != nullptr) {
    append_fact(out, "over TLS",
                concat({"status 421, and the certificate of ", other->names.front(),
                        ", the first virtual host that has one, at ", place(other->location)}));
  }
  append_fact(out, "without", "status 404");
  print(out);
  return kFailed;
}

void append_warnings(std::string& out, const Subject& subject, const config::VirtualHost& host,
                     const config::Group* group) {
  Warnings warnings(*subject.outcome.configuration, *subject.sites, std::time(nullptr));
  warnings.look_at(host);
  if (group != nullptr) warnings.look_at(*group);
  for (const config::Problem& warning : warnings.found()) {
    append_fact(out, "", printable(warning.message));
  }
}

// Of the file that the virtual host is in: it is not in force as it stands there.
void append_problems(std::string& out, const Subject& subject, const config::VirtualHost& host) {
  for (const config::Problem& problem : subject.outcome.problems) {
    if (problem.location.file == nullptr || host.location.file == nullptr ||
        *problem.location.file != *host.location.file) {
      continue;
    }
    append_fact(out, "problem", printable(problem.to_string()));
  }
}

}  // namespace

int explain_host(const Subject& subject, const std::string& host) {
  if (!subject.sites) {
    for (const config::Problem& problem : subject.outcome.problems) {
      std::fprintf(stderr, "%s\n", printable(problem.to_string()).c_str());
    }
    return failed(concat({subject.file, " is wrong: nothing is explained"}));
  }
  const Sites& sites = *subject.sites;
  const std::vector<Match> found = matches(sites, host);
  if (found.empty()) return explain_unknown(sites, host);
  const config::VirtualHost& used = *found.front().host;
  std::string out = concat({host, "\n\n"});
  append_match(out, found, host);
  append_certificates(out, sites, used);
  const config::Group* group = sites.group(used.group);
  if (group != nullptr) {
    append_group(out, *group);
    append_fact(out, "now", present_state(subject, group->name));
  } else {
    append_fact(out, "group",
                "none: its site file is wrong. Its previous version is in force, or where "
                "there is none, requests are answered 503");
  }
  append_problems(out, subject, used);
  append_warnings(out, subject, used, group);
  print(out);
  return 0;
}

}  // namespace dmpm::cli
