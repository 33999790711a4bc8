import { parseFormData } from '../body/form-data.js';
import type { DetachedRequest } from '../detach.js';
import { parseCookies } from './cookies.js';
import type { HarNameValue, HarParam, HarPostData, HarRequest } from './har-format.js';
import { additionsOf, type Content, contentOf, nameValues, textOf } from './har-message.js';
import { headerValue } from './header-value.js';
import { fromUtf8, uriOf } from './uri.js';

/** `sent` is the request as it was sent, for its sizes; `shown` the same without secrets. */
export async function harRequest(
  sent: DetachedRequest,
  shown: DetachedRequest,
  maxDecodedBytes: number,
): Promise<HarRequest> {
  const url = uriOf(shown);
  const request: HarRequest = {
    method: shown.method,
    url,
    httpVersion: `HTTP/${shown.httpVersion}`,
    cookies: shown.headers
      .filter(([name]) => name.toLowerCase() === 'cookie')
      .flatMap(([, value]) => parseCookies(value)),
    headers: nameValues(shown.headers),
    queryString: queryOf(shown.query),
    headersSize: sent.head.length,
    bodySize: sent.bodyLength,
    ...additionsOf(shown),
  };
  if (!url.endsWith(shown.target)) request._target = shown.target;
  if (sent.bodyLength > 0) {
    const content = await contentOf(shown, maxDecodedBytes);
    if (content === undefined) request.comment = 'The body was not kept';
    else {
      request.postData = await postDataOf(content, headerValue(shown.headers, 'content-type'));
      if (content.problem !== undefined) request.comment = content.problem;
    }
  }
  return request;
}

/** In place of a request that was not captured. */
export function missingRequest(url: string): HarRequest {
  return {
    method: '',
    url,
    httpVersion: '',
    cookies: [],
    headers: [],
    queryString: [],
    headersSize: -1,
    bodySize: -1,
    comment: 'The request was not captured',
  };
}

function queryOf(query: string): HarNameValue[] {
  return [...new URLSearchParams(fromUtf8(query))].map(([name, value]) => ({ name, value }));
}

async function postDataOf({ bytes, problem }: Content, contentType: string): Promise<HarPostData> {
  const { text, encoding } = textOf(bytes, contentType);
  const params = problem === undefined ? await paramsOf(bytes, contentType) : undefined;
  const postData: HarPostData = { mimeType: contentType, text };
  if (params !== undefined) postData.params = params;
  if (encoding !== undefined) postData._encoding = encoding;
  return postData;
}

async function paramsOf(bytes: Buffer, contentType: string): Promise<HarParam[] | undefined> {
  if (!/^\s*(?:application\/x-www-form-urlencoded|multipart\/form-data)/i.test(contentType)) return undefined;
  try {
    return [...(await parseFormData(bytes, contentType))].map(([name, value]) =>
      typeof value === 'string' ? { name, value } : { name, fileName: value.name, contentType: value.type },
    );
  } catch {
    // Not the form that it claims to be: the text is there.
    return undefined;
  }
}
