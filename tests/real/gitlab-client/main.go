// Reads a GitLab API with the typed client of GitLab's own `glab` and prints what it understood.
//
// It knows nothing of tierwatch: where this program and tierwatch's simulator disagree about an
// answer's shape, the simulator is wrong. Any answer that does not decode, and any field that
// GitLab always sends but is missing, ends the run with exit code 1.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"
)

// Every endpoint that is read, as it stands in the report.
var endpoints = []string{
	"version", "metadata", "user", "personal_access_tokens/self",
	"projects", "groups/:id/projects",
	"projects/:id/jobs", "projects/:id/jobs/:job_id",
	"projects/:id/protected_branches", "projects/:id/protected_tags",
	"runners", "runners/all", "groups/:id/runners",
	"runners/:id", "runners/:id/managers", "runners/:id/jobs",
}

// What was read from one endpoint.
type reading struct {
	Items   []any  `json:"items"`
	Refused int    `json:"refused,omitempty"` // times the server said 401, 403 or 404
	Reads   int    `json:"reads"`
	Last    string `json:"last_refusal,omitempty"`
}

type reader struct {
	client   *gitlab.Client
	perPage  int64
	refused  []string
	report   map[string]*reading
	problems []string
}

func main() {
	url := flag.String("url", "", "base URL of the server, without /api/v4")
	tokenFile := flag.String("token-file", "", "file with the token")
	groups := flag.String("groups", "", "groups to read, ids or paths, separated by commas; default: the groups of the projects")
	refused := flag.String("refused", "", "endpoints that may be refused with 401, 403 or 404, separated by commas")
	perPage := flag.Int64("per-page", 20, "rows per page; small values exercise paging")
	jobs := flag.Int("jobs", 20, "single jobs to look up, per project")
	flag.Parse()

	token, err := os.ReadFile(*tokenFile)
	if err != nil {
		fail(fmt.Errorf("reading the token: %w", err))
	}
	client, err := gitlab.NewClient(strings.TrimSpace(string(token)), gitlab.WithBaseURL(*url), gitlab.WithoutRetries())
	if err != nil {
		fail(fmt.Errorf("building the client: %w", err))
	}
	r := &reader{client: client, perPage: *perPage, refused: split(*refused), report: map[string]*reading{}}
	for _, name := range endpoints {
		r.report[name] = &reading{Items: []any{}}
	}
	r.all(split(*groups), *jobs)
	for _, name := range endpoints {
		if r.report[name].Reads == 0 {
			r.problem(name, "was never read: the server named nothing to read it for")
		}
	}

	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	err = out.Encode(map[string]any{"endpoints": r.report, "problems": r.problems})
	if err != nil {
		fail(fmt.Errorf("writing the report: %w", err))
	}
	if len(r.problems) > 0 {
		fail(fmt.Errorf("%d problems:\n  %s", len(r.problems), strings.Join(r.problems, "\n  ")))
	}
}

func (r *reader) all(groups []string, singleJobs int) {
	one(r, "version", func() (*gitlab.Version, *gitlab.Response, error) { return r.client.Version.GetVersion() },
		func(v *gitlab.Version) []string { return missing("version", v.Version, "revision", v.Revision) })
	one(r, "metadata", func() (*gitlab.Metadata, *gitlab.Response, error) { return r.client.Metadata.GetMetadata() },
		func(m *gitlab.Metadata) []string { return missing("version", m.Version, "revision", m.Revision) })
	one(r, "user", func() (*gitlab.User, *gitlab.Response, error) { return r.client.Users.CurrentUser() },
		func(u *gitlab.User) []string {
			return missing("id", u.ID, "username", u.Username, "state", u.State, "name", u.Name)
		})
	one(r, "personal_access_tokens/self", func() (*gitlab.PersonalAccessToken, *gitlab.Response, error) {
		return r.client.PersonalAccessTokens.GetSinglePersonalAccessToken()
	}, func(t *gitlab.PersonalAccessToken) []string {
		return missing("id", t.ID, "name", t.Name, "scopes", len(t.Scopes), "user_id", t.UserID, "active", t.Active, "created_at", t.CreatedAt != nil)
	})

	page := gitlab.ListOptions{PerPage: r.perPage}
	keyset := gitlab.ListOptions{PerPage: r.perPage, Pagination: "keyset", OrderBy: "id", Sort: "desc"}

	projects := list(r, "projects", func(p gitlab.RequestOptionFunc) ([]*gitlab.Project, *gitlab.Response, error) {
		return r.client.Projects.ListProjects(&gitlab.ListProjectsOptions{ListOptions: page}, p)
	}, checkProject)
	if len(groups) == 0 {
		groups = groupsOf(projects)
	}
	for _, group := range groups {
		list(r, "groups/:id/projects", func(p gitlab.RequestOptionFunc) ([]*gitlab.Project, *gitlab.Response, error) {
			return r.client.Groups.ListGroupProjects(group, &gitlab.ListGroupProjectsOptions{
				ListOptions: page, IncludeSubGroups: gitlab.Ptr(true), Archived: gitlab.Ptr(false),
			}, p)
		}, checkProject)
	}

	for _, project := range projects {
		offset := list(r, "projects/:id/jobs", func(p gitlab.RequestOptionFunc) ([]*gitlab.Job, *gitlab.Response, error) {
			return r.client.Jobs.ListProjectJobs(project.ID, &gitlab.ListJobsOptions{ListOptions: page}, p)
		}, checkJob)
		byKey := list(r, "projects/:id/jobs", func(p gitlab.RequestOptionFunc) ([]*gitlab.Job, *gitlab.Response, error) {
			return r.client.Jobs.ListProjectJobs(project.ID, &gitlab.ListJobsOptions{ListOptions: keyset}, p)
		}, checkJob)
		// The queue moves between two listings: only what both must show is compared.
		if (len(offset) == 0) != (len(byKey) == 0) {
			r.problem("projects/:id/jobs", fmt.Sprintf("project %d: %d jobs by offset, %d by keyset", project.ID, len(offset), len(byKey)))
		}
		if !slices.IsSortedFunc(byKey, func(a, b *gitlab.Job) int { return int(b.ID - a.ID) }) {
			r.problem("projects/:id/jobs", fmt.Sprintf("project %d: keyset pages are not newest first", project.ID))
		}
		pending := list(r, "projects/:id/jobs", func(p gitlab.RequestOptionFunc) ([]*gitlab.Job, *gitlab.Response, error) {
			return r.client.Jobs.ListProjectJobs(project.ID, &gitlab.ListJobsOptions{
				ListOptions: page, Scope: &[]gitlab.BuildStateValue{gitlab.Pending},
			}, p)
		}, checkJob)
		for _, job := range pending {
			if job.Status != "pending" || job.StartedAt != nil {
				r.problem("projects/:id/jobs", fmt.Sprintf("scope pending gave job %d with status %q, started_at %v", job.ID, job.Status, job.StartedAt))
			}
		}
		for _, job := range offset[:min(singleJobs, len(offset))] {
			one(r, "projects/:id/jobs/:job_id", func() (*gitlab.Job, *gitlab.Response, error) {
				return r.client.Jobs.GetJob(project.ID, job.ID)
			}, func(got *gitlab.Job) []string {
				faults := checkJob(got)
				if got.ID != job.ID {
					faults = append(faults, fmt.Sprintf("asked for job %d, got %d", job.ID, got.ID))
				}
				return faults
			})
		}
		list(r, "projects/:id/protected_branches", func(p gitlab.RequestOptionFunc) ([]*gitlab.ProtectedBranch, *gitlab.Response, error) {
			return r.client.ProtectedBranches.ListProtectedBranches(project.ID, &gitlab.ListProtectedBranchesOptions{ListOptions: page}, p)
		}, func(b *gitlab.ProtectedBranch) []string { return missing("id", b.ID, "name", b.Name) })
		list(r, "projects/:id/protected_tags", func(p gitlab.RequestOptionFunc) ([]*gitlab.ProtectedTag, *gitlab.Response, error) {
			return r.client.ProtectedTags.ListProtectedTags(project.ID, &gitlab.ListProtectedTagsOptions{ListOptions: page}, p)
		}, func(t *gitlab.ProtectedTag) []string { return missing("name", t.Name) })
	}

	runners := map[int64]bool{}
	listRunners := func(name string, read func(p gitlab.RequestOptionFunc) ([]*gitlab.Runner, *gitlab.Response, error)) {
		for _, runner := range list(r, name, read, checkRunner) {
			runners[runner.ID] = true
		}
	}
	listRunners("runners", func(p gitlab.RequestOptionFunc) ([]*gitlab.Runner, *gitlab.Response, error) {
		return r.client.Runners.ListRunners(&gitlab.ListRunnersOptions{ListOptions: page}, p)
	})
	listRunners("runners/all", func(p gitlab.RequestOptionFunc) ([]*gitlab.Runner, *gitlab.Response, error) {
		return r.client.Runners.ListAllRunners(&gitlab.ListRunnersOptions{ListOptions: page}, p)
	})
	for _, group := range groups {
		listRunners("groups/:id/runners", func(p gitlab.RequestOptionFunc) ([]*gitlab.Runner, *gitlab.Response, error) {
			return r.client.Runners.ListGroupsRunners(group, &gitlab.ListGroupsRunnersOptions{ListOptions: page}, p)
		})
	}
	ids := make([]int64, 0, len(runners))
	for id := range runners {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		one(r, "runners/:id", func() (*gitlab.RunnerDetails, *gitlab.Response, error) {
			return r.client.Runners.GetRunnerDetails(id)
		}, func(d *gitlab.RunnerDetails) []string {
			return missing("id", d.ID, "runner_type", d.RunnerType, "status", d.Status, "access_level", d.AccessLevel)
		})
		one(r, "runners/:id/managers", func() (*[]*gitlab.RunnerManager, *gitlab.Response, error) {
			managers, response, err := r.client.Runners.ListRunnerManagers(id)
			return &managers, response, err
		}, func(managers *[]*gitlab.RunnerManager) []string {
			var faults []string
			for _, m := range *managers {
				faults = append(faults, missing("id", m.ID, "system_id", m.SystemID, "status", m.Status, "created_at", m.CreatedAt != nil)...)
			}
			return faults
		})
		list(r, "runners/:id/jobs", func(p gitlab.RequestOptionFunc) ([]*gitlab.Job, *gitlab.Response, error) {
			return r.client.Runners.ListRunnerJobs(id, &gitlab.ListRunnerJobsOptions{ListOptions: page}, p)
		}, checkJob)
	}
}

func checkProject(p *gitlab.Project) []string {
	return missing("id", p.ID, "name", p.Name, "path_with_namespace", p.PathWithNamespace, "created_at", p.CreatedAt != nil,
		"web_url", p.WebURL, "namespace", p.Namespace != nil)
}

func checkRunner(r *gitlab.Runner) []string {
	return missing("id", r.ID, "runner_type", r.RunnerType, "status", r.Status)
}

func checkJob(j *gitlab.Job) []string {
	faults := missing("id", j.ID, "name", j.Name, "status", j.Status, "stage", j.Stage, "ref", j.Ref, "web_url", j.WebURL,
		"created_at", j.CreatedAt != nil, "pipeline.id", j.Pipeline.ID, "pipeline.project_id", j.Pipeline.ProjectID)
	if j.Status == "running" && j.StartedAt == nil {
		faults = append(faults, "a running job without started_at")
	}
	if (j.FailureReason != "") != (j.Status == "failed") {
		faults = append(faults, fmt.Sprintf("failure_reason %q with status %q", j.FailureReason, j.Status))
	}
	for i := range faults {
		faults[i] = fmt.Sprintf("job %d: %s", j.ID, faults[i])
	}
	return faults
}

// Reads one object.
func one[T any](r *reader, name string, read func() (*T, *gitlab.Response, error), check func(*T) []string) {
	r.report[name].Reads++
	value, response, err := read()
	if err != nil {
		r.failed(name, response, err)
		return
	}
	for _, fault := range check(value) {
		r.problem(name, fault)
	}
	r.report[name].Items = append(r.report[name].Items, value)
}

// Reads every page of a list.
func list[T any](r *reader, name string, read func(gitlab.RequestOptionFunc) ([]*T, *gitlab.Response, error), check func(*T) []string) []*T {
	r.report[name].Reads++
	var last *gitlab.Response
	items, err := gitlab.ScanAndCollect(func(p gitlab.RequestOptionFunc) ([]*T, *gitlab.Response, error) {
		page, response, err := read(p)
		last = response
		if err == nil && int64(len(page)) > r.perPage {
			err = fmt.Errorf("a page of %d rows where %d were asked for", len(page), r.perPage)
		}
		return page, response, err
	})
	if err != nil {
		r.failed(name, last, err)
		return nil
	}
	for _, item := range items {
		for _, fault := range check(item) {
			r.problem(name, fault)
		}
		r.report[name].Items = append(r.report[name].Items, item)
	}
	return items
}

func (r *reader) failed(name string, response *gitlab.Response, err error) {
	status := 0
	if response != nil && response.Response != nil {
		status = response.StatusCode
	}
	var answer *gitlab.ErrorResponse
	// The client turns 404 into an error of its own kind, without an answer in it.
	refusal := errors.Is(err, gitlab.ErrNotFound) || errors.As(err, &answer)
	if refusal && slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, status) && slices.Contains(r.refused, name) {
		r.report[name].Refused++
		r.report[name].Last = err.Error()
		return
	}
	r.problem(name, fmt.Sprintf("status %d: %v", status, err))
}

func (r *reader) problem(name, text string) {
	r.problems = append(r.problems, name+": "+text)
}

// The names whose values are zero, as "missing NAME".
func missing(pairs ...any) []string {
	var faults []string
	for i := 0; i+1 < len(pairs); i += 2 {
		switch value := pairs[i+1].(type) {
		case string:
			if value != "" {
				continue
			}
		case int64:
			if value != 0 {
				continue
			}
		case int:
			if value != 0 {
				continue
			}
		case bool:
			if value {
				continue
			}
		}
		faults = append(faults, fmt.Sprintf("missing %s", pairs[i]))
	}
	return faults
}

func groupsOf(projects []*gitlab.Project) []string {
	seen := map[string]bool{}
	for _, project := range projects {
		if project.Namespace != nil && project.Namespace.Kind == "group" {
			seen[fmt.Sprint(project.Namespace.ID)] = true
		}
	}
	groups := make([]string, 0, len(seen))
	for group := range seen {
		groups = append(groups, group)
	}
	sort.Strings(groups)
	return groups
}

func split(list string) []string {
	return slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
